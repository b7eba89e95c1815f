/* A whole pool inside this process, for tests and single machines. Other processes of this host can
 * join it by its address.
 *
 *     embedded_pool */
#include <aquifer/aquifer.h>
#include <stdio.h>
#include <stdlib.h>

int main(void) {
  const aquifer_pool_options_t options = {.struct_size = sizeof options, .dram_bytes = 64 << 20};
  aquifer_error_t error = {.struct_size = sizeof error};
  aquifer_pool_t* pool = NULL;
  aquifer_client_t* client = NULL;
  if (aquifer_pool_open(&options, &pool, &error) != AQUIFER_OK ||
      aquifer_pool_client(pool, NULL, &client, &error) != AQUIFER_OK) {
    fprintf(stderr, "%s (%s)\n", error.message, error.hint);
    return EXIT_FAILURE;
  }

  const aquifer_const_piece_t pieces[] = {{"hello, ", 7}, {"pool", 4}};
  aquifer_put(client, aquifer_text("greeting"), pieces, 2, NULL);

  void* value = NULL;
  uint64_t bytes = 0;
  if (aquifer_get(client, aquifer_text("greeting"), NULL, &value, &bytes) == AQUIFER_OK) {
    printf("%.*s\n", (int)bytes, (const char*)value);
  }
  aquifer_free(value);

  aquifer_report_t* report = NULL;
  aquifer_pool_status_t status = {.struct_size = sizeof status};
  aquifer_status(client, NULL, &report);
  aquifer_report_pool(report, &status);
  printf("%llu object in %llu MiB\n", (unsigned long long)status.objects,
         (unsigned long long)(status.capacity_bytes >> 20));
  aquifer_report_free(report);

  aquifer_client_free(client);
  aquifer_pool_free(pool);
  return EXIT_SUCCESS;
}
