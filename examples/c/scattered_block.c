/* A KV block that lies at many addresses, put under one key and read back into another place,
 * without being gathered first.
 *
 *     scattered_block [META]        with a pool running: aquifer solo */
#include <aquifer/aquifer.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LAYERS = 4, PIECES = 2 * LAYERS, BYTES = 16 * 1024 };

static char keys[LAYERS][BYTES], values[LAYERS][BYTES];
static char other_keys[LAYERS][BYTES], other_values[LAYERS][BYTES];

static int fail(aquifer_client_t* client, const char* what) {
  aquifer_error_t error = {.struct_size = sizeof error};
  aquifer_last_error(client, &error);
  fprintf(stderr, "%s: %s (%s)\n", what, error.message, error.hint);
  return EXIT_FAILURE;
}

int main(int argc, char** argv) {
  aquifer_client_options_t options = {.struct_size = sizeof options};
  if (argc > 1) options.meta = aquifer_text(argv[1]);
  aquifer_client_t* client = NULL;
  aquifer_error_t error = {.struct_size = sizeof error};
  if (aquifer_client_open(&options, &client, &error) != AQUIFER_OK) {
    fprintf(stderr, "%s\n", error.message);
    return EXIT_FAILURE;
  }

  /* The value is the concatenation of its pieces; a get may cut it in another way. */
  aquifer_const_piece_t block[PIECES];
  aquifer_piece_t place[PIECES];
  for (int layer = 0; layer < LAYERS; ++layer) {
    memset(keys[layer], 'k' + layer, BYTES);
    memset(values[layer], 'V' + layer, BYTES);
    block[2 * layer] = (aquifer_const_piece_t){keys[layer], BYTES};
    block[2 * layer + 1] = (aquifer_const_piece_t){values[layer], BYTES};
    place[2 * layer] = (aquifer_piece_t){other_keys[layer], BYTES};
    place[2 * layer + 1] = (aquifer_piece_t){other_values[layer], BYTES};
  }

  const aquifer_text_t key = aquifer_text("model/prefix/0");
  const aquifer_status_t put = aquifer_put(client, key, block, PIECES, NULL);
  if (put != AQUIFER_OK && put != AQUIFER_EXISTS) return fail(client, "put");

  uint64_t bytes = 0;
  if (aquifer_get_into(client, key, place, PIECES, NULL, &bytes) != AQUIFER_OK) {
    return fail(client, "get");
  }
  printf("%s: %llu bytes, %s\n", aquifer_status_name(put), (unsigned long long)bytes,
         memcmp(values, other_values, sizeof values) == 0 ? "as they were" : "damaged");
  aquifer_client_free(client);
  return EXIT_SUCCESS;
}
