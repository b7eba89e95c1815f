/* How much of a prompt has been computed before? Each block of tokens has a key that stands for all
 * tokens up to its end, so that the blocks which are there are the first ones.
 *
 *     prefix [META]        with a pool running: aquifer solo */
#include <aquifer/aquifer.h>
#include <stdio.h>
#include <stdlib.h>

enum { BLOCKS = 6, CACHED = 4, BYTES = 4096 };

int main(int argc, char** argv) {
  aquifer_client_options_t options = {.struct_size = sizeof options};
  if (argc > 1) options.meta = aquifer_text(argv[1]);
  aquifer_client_t* client = NULL;
  if (aquifer_client_open(&options, &client, NULL) != AQUIFER_OK) return EXIT_FAILURE;

  static char block[BYTES];
  const aquifer_const_piece_t piece = {block, BYTES};
  char names[BLOCKS][32];
  aquifer_text_t keys[BLOCKS];
  aquifer_put_item_t items[BLOCKS];
  for (int i = 0; i < BLOCKS; ++i) {
    snprintf(names[i], sizeof names[i], "prompt/hash-of-tokens-0-%d", 16 * (i + 1));
    keys[i] = aquifer_text(names[i]);
    /* Each block continues the one before it: eviction takes leaves first. */
    items[i] = (aquifer_put_item_t){keys[i], &piece, 1, i == 0 ? aquifer_text(NULL) : keys[i - 1]};
  }

  /* Somebody has computed the first blocks ... */
  aquifer_status_t statuses[BLOCKS];
  const aquifer_status_t put = aquifer_put_batch(client, items, CACHED, NULL, statuses);
  if (put != AQUIFER_OK) {
    aquifer_error_t error = {.struct_size = sizeof error};
    aquifer_last_error(client, &error);
    fprintf(stderr, "%s: %s (%s)\n", aquifer_status_name(put), error.message, error.hint);
    return EXIT_FAILURE;
  }

  /* ... and whoever comes next asks, with one call, how many of them are there. */
  size_t matched = 0;
  aquifer_match_prefix(client, keys, BLOCKS, NULL, &matched);
  printf("%zu of %d blocks are there; compute from token %zu on\n", matched, BLOCKS, 16 * matched);
  aquifer_client_free(client);
  return EXIT_SUCCESS;
}
