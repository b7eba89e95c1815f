/* A put that is written while the model computes: layer by layer, in any order. Nobody sees the
 * object before the commit.
 *
 *     layer_by_layer [META]        with a pool running: aquifer solo */
#include <aquifer/aquifer.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LAYERS = 8, BYTES = 32 * 1024 };

int main(int argc, char** argv) {
  aquifer_client_options_t options = {.struct_size = sizeof options};
  if (argc > 1) options.meta = aquifer_text(argv[1]);
  aquifer_client_t* client = NULL;
  if (aquifer_client_open(&options, &client, NULL) != AQUIFER_OK) return EXIT_FAILURE;

  const aquifer_text_t key = aquifer_text("model/layered/0");
  aquifer_remove(client, key, NULL); /* of an earlier run */

  aquifer_pending_put_t* put = NULL;
  aquifer_status_t status = aquifer_open_put(client, key, LAYERS * BYTES, NULL, 10000, &put);
  for (int layer = LAYERS - 1; layer >= 0 && status == AQUIFER_OK; --layer) {
    static char computed[BYTES];
    memset(computed, 'a' + layer, BYTES);
    const aquifer_const_piece_t piece = {computed, BYTES};
    status = aquifer_pending_put_write(put, (uint64_t)layer * BYTES, &piece, 1, 0);
  }
  if (status == AQUIFER_OK) {
    printf("before the commit: %s\n", aquifer_status_name(aquifer_exists(client, key, NULL)));
    status = aquifer_pending_put_commit(put, 0);
  }
  aquifer_pending_put_free(put); /* gives the put up when it was not committed */
  if (status != AQUIFER_OK) {
    fprintf(stderr, "put: %s\n", aquifer_status_name(status));
    return EXIT_FAILURE;
  }

  /* A single layer is read as a range of the value. */
  static char layer[BYTES];
  const aquifer_piece_t place = {layer, BYTES};
  status = aquifer_get_range(client, key, 3 * BYTES, &place, 1, NULL, NULL);
  printf("layer 3: %s, begins with '%c'\n", aquifer_status_name(status), layer[0]);
  aquifer_client_free(client);
  return status == AQUIFER_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
