# sets.sh - the two sets of parts that tests/size.sh measures (sourced): see lib/base/config.h for the macros
full=(-DTERN_NO_SCRAM_SHA_1 -DTERN_NO_SCRAM_PLUS -DTERN_NO_EXTERNAL -DTERN_NO_LOG -DTERN_NO_ARENA -DTERN_NO_TRACE -DTERN_NO_LIMITS -DTERN_NO_WINDOW
  -DTERN_NO_OTHER -DTERN_NO_POLICY -DTERN_NO_PROGRESS -DTERN_NO_NULL -DTERN_NO_MAIL_OPTIONS -DTERN_NO_BINARYMIME -DTERN_NO_REQUIRETLS
  -DTERN_NO_DELIVERBY -DTERN_NO_FUTURERELEASE -DTERN_NO_MT_PRIORITY -DTERN_NO_MAIL_AUTH -DTERN_NO_PRDR)
minimal=("${full[@]}" -DTERN_NO_SCRAM_SHA_256 -DTERN_NO_CRAM_MD5 -DTERN_NO_OAUTHBEARER -DTERN_NO_XOAUTH2 -DTERN_NO_CHUNKING -DTERN_NO_DSN
  -DTERN_NO_SMTPUTF8 -DTERN_NO_LMTP -DTERN_NO_LITERALS -DTERN_NO_STARTTLS -DTERN_NO_ENHANCED -DTERN_NO_SPLIT)

# left_out FILE FLAG...: whether the build of that set has no use for the file
left_out() {
  local f=" ${*:2} "
  case $1 in
  */external.c) [[ $f == *TERN_NO_EXTERNAL* ]] ;;
  */cram_md5.c) [[ $f == *TERN_NO_CRAM_MD5* ]] ;;
  */oauth.c) [[ $f == *TERN_NO_OAUTHBEARER* ]] ;;
  */scram.c | */hash.c) [[ $f == *TERN_NO_SCRAM_SHA_256* ]] ;;
  */arena.c) [[ $f == *TERN_NO_ARENA* ]] ;;
  */format.c | */queue_id.c) [[ $f == *TERN_NO_LOG* ]] ;;
  *) false ;;
  esac
}
