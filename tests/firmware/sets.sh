# sets.sh - the two sets of parts that tests/size.sh measures (sourced): see lib/base/config.h for the macros
full=(-DTERN_NO_SCRAM_SHA_1 -DTERN_NO_EXTERNAL)
minimal=("${full[@]}" -DTERN_NO_SCRAM_SHA_256 -DTERN_NO_CRAM_MD5 -DTERN_NO_OAUTHBEARER -DTERN_NO_XOAUTH2)

# left_out FILE FLAG...: whether the build of that set has no use for the file
left_out() {
  local f=" ${*:2} "
  case $1 in
  */external.c) [[ $f == *TERN_NO_EXTERNAL* ]] ;;
  */cram_md5.c) [[ $f == *TERN_NO_CRAM_MD5* ]] ;;
  */oauth.c) [[ $f == *TERN_NO_OAUTHBEARER* ]] ;;
  */scram.c | */hash.c) [[ $f == *TERN_NO_SCRAM_SHA_256* ]] ;;
  *) false ;;
  esac
}
