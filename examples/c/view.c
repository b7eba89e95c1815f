/* A value looked at where it lies, in memory that the node shares with this process: no copy. It
 * stays readable until the view is released, even if the object is removed meanwhile.
 *
 *     view [META]        with a pool running: aquifer solo */
#include <aquifer/aquifer.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char** argv) {
  aquifer_client_options_t options = {.struct_size = sizeof options};
  if (argc > 1) options.meta = aquifer_text(argv[1]);
  aquifer_client_t* client = NULL;
  if (aquifer_client_open(&options, &client, NULL) != AQUIFER_OK) return EXIT_FAILURE;

  static char text[1 << 20];
  memset(text, 'x', sizeof text);
  const aquifer_const_piece_t whole = {text, sizeof text};
  const aquifer_text_t key = aquifer_text("document/1");
  aquifer_put(client, key, &whole, 1, NULL);

  aquifer_view_t* view = NULL;
  const aquifer_status_t status = aquifer_view(client, key, NULL, &view);
  if (status != AQUIFER_OK) {
    fprintf(stderr, "view: %s\n", aquifer_status_name(status));
    return EXIT_FAILURE;
  }
  aquifer_remove(client, key, NULL);

  size_t count = 0, found = 0;
  const aquifer_const_piece_t* pieces = aquifer_view_pieces(view, &count);
  for (size_t i = 0; i < count; ++i) {
    const char* bytes = pieces[i].address;
    for (size_t at = 0; at < pieces[i].bytes; ++at) {
      found += bytes[at] == 'x';
    }
  }
  printf("%zu of %llu bytes are 'x', seen %s\n", found,
         (unsigned long long)aquifer_view_bytes(view),
         aquifer_view_is_copy(view) ? "in a copy" : "in place");
  aquifer_view_release(view);
  aquifer_client_free(client);
  return EXIT_SUCCESS;
}
