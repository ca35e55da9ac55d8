/* gmime_reader.c - reads messages by GMime and tells what it found, for readers.py.
 *
 * Standard input: messages, each after a line with its length. Output for each: lines
 *   "subject HEX", "address FIELD NAME-HEX ADDRESS-HEX",
 *   "leaf DEPTH TYPE DISPOSITION NAME-HEX CID-HEX CONTENT-HEX", "multi DEPTH TYPE", and "end". */
#include <gmime/gmime.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void put_hex(const void *octets, size_t len)
{
  const unsigned char *p = octets;
  size_t i;

  putchar(' ');
  putchar('x');
  for (i = 0; p && i < len; i++) printf("%02x", p[i]);
}

static void put_text(const char *text)
{
  put_hex(text, text ? strlen(text) : 0);
}

static void put_addresses(GMimeMessage *message, GMimeAddressType type, const char *field)
{
  InternetAddressList *list = g_mime_message_get_addresses(message, type);
  int i, n = list ? internet_address_list_length(list) : 0;

  for (i = 0; i < n; i++) {
    InternetAddress *a = internet_address_list_get_address(list, i);
    printf("address %s", field);
    put_text(internet_address_get_name(a));
    put_text(INTERNET_ADDRESS_IS_MAILBOX(a) ? internet_address_mailbox_get_addr((InternetAddressMailbox *)a) : NULL);
    putchar('\n');
  }
}

static void put_part(GMimeObject *object, int depth)
{
  char *type = g_mime_content_type_get_mime_type(g_mime_object_get_content_type(object));

  if (GMIME_IS_MULTIPART(object)) {
    GMimeMultipart *multipart = (GMimeMultipart *)object;
    int i, n = g_mime_multipart_get_count(multipart);
    printf("multi %d %s\n", depth, type);
    for (i = 0; i < n; i++) put_part(g_mime_multipart_get_part(multipart, i), depth + 1);
  } else if (GMIME_IS_PART(object)) {
    GMimeStream *stream = g_mime_stream_mem_new();
    GByteArray *octets;
    const char *disposition = g_mime_object_get_disposition(object);
    g_mime_data_wrapper_write_to_stream(g_mime_part_get_content((GMimePart *)object), stream);
    octets = g_mime_stream_mem_get_byte_array((GMimeStreamMem *)stream);
    printf("leaf %d %s %s", depth, type, disposition ? disposition : "-");
    put_text(g_mime_part_get_filename((GMimePart *)object));
    put_text(g_mime_object_get_content_id(object));
    put_hex(octets->data, octets->len);
    putchar('\n');
    g_object_unref(stream);
  } else {
    printf("other %d %s\n", depth, type);
  }
  g_free(type);
}

static void read_one(const char *octets, size_t len)
{
  GMimeStream *stream = g_mime_stream_mem_new_with_buffer(octets, len);
  GMimeParser *parser = g_mime_parser_new_with_stream(stream);
  GMimeMessage *message = g_mime_parser_construct_message(parser, NULL);

  if (message) {
    printf("subject");
    put_text(g_mime_message_get_subject(message));
    putchar('\n');
    put_addresses(message, GMIME_ADDRESS_TYPE_FROM, "from");
    put_addresses(message, GMIME_ADDRESS_TYPE_TO, "to");
    put_addresses(message, GMIME_ADDRESS_TYPE_CC, "cc");
    put_part(g_mime_message_get_mime_part(message), 0);
    g_object_unref(message);
  }
  puts("end");
  g_object_unref(parser);
  g_object_unref(stream);
}

int main(void)
{
  char line[64];

  g_mime_init();
  while (fgets(line, sizeof line, stdin)) {
    size_t len = strtoul(line, NULL, 10);
    char *octets = malloc(len + 1);
    if (!octets || fread(octets, 1, len, stdin) != len) return 1;
    read_one(octets, len);
    free(octets);
  }
  return 0;
}
