/* capi_c_test GROUP: runs the tests of one group, and says how many there were. */
#include <stdio.h>
#include <stdlib.h>

#include "harness.h"

static const struct {
  const char* name;
  const test_t* tests;
} groups[] = {{"values", values_tests},       {"keys", keys_tests},
              {"ranges", ranges_tests},       {"views", views_tests},
              {"open_puts", open_puts_tests}, {"listings", listings_tests},
              {"reports", reports_tests},     {"versions", versions_tests},
              {"bad_input", bad_input_tests}, {"lives", lives_tests}};

static fixture_t current;
static const char* current_name = "";

void check_failed(const char* file, int line, const char* what) {
  aquifer_error_t error = {.struct_size = sizeof error};
  fprintf(stderr, "%s:%d: %s: not so: %s\n", file, line, current_name, what);
  if (aquifer_last_error(current.client, &error) == AQUIFER_OK && error.status != AQUIFER_OK) {
    fprintf(stderr, "latest error: %s: %s (%s)\n", aquifer_status_name(error.status), error.message,
            error.hint);
  }
  exit(1);
}

void check_status_is(const char* file, int line, const char* what, aquifer_status_t wanted,
                     aquifer_status_t got) {
  char text[1024];
  if (wanted != got) {
    snprintf(text, sizeof text, "%s is %s, and was %s", what, aquifer_status_name(wanted),
             aquifer_status_name(got));
    check_failed(file, line, text);
  }
}

aquifer_status_t put_bytes(fixture_t* on, aquifer_text_t key, const void* bytes, size_t size) {
  const aquifer_const_piece_t piece = {bytes, size};
  return aquifer_put(on->client, key, &piece, 1, NULL);
}

void check_value(fixture_t* on, aquifer_text_t key, const void* bytes, size_t size) {
  void* value = NULL;
  uint64_t got = 0;
  CHECK_STATUS(AQUIFER_OK, aquifer_get(on->client, key, NULL, &value, &got));
  CHECK(got == size && memcmp(value, bytes, size) == 0);
  aquifer_free(value);
}

void fill(void* memory, size_t size, unsigned seed) {
  unsigned char* bytes = memory;
  for (size_t i = 0; i < size; ++i) {
    bytes[i] = (unsigned char)(seed + i * 7 + i / 251);
  }
}

static void run(const test_t* test) {
  const aquifer_pool_options_t options = {.struct_size = sizeof options, .dram_bytes = 32u << 20};
  aquifer_error_t error = {.struct_size = sizeof error};
  current_name = test->name;
  if (aquifer_pool_open(&options, &current.pool, &error) != AQUIFER_OK ||
      aquifer_pool_client(current.pool, NULL, &current.client, &error) != AQUIFER_OK) {
    check_failed(__FILE__, __LINE__, error.message);
  }
  test->run(&current);
  aquifer_client_free(current.client);
  aquifer_pool_free(current.pool);
  current.client = NULL;
  current.pool = NULL;
}

int main(int count, char** words) {
  for (size_t i = 0; count == 2 && i < sizeof groups / sizeof groups[0]; ++i) {
    if (strcmp(groups[i].name, words[1]) == 0) {
      size_t done = 0;
      for (const test_t* test = groups[i].tests; test->name != NULL; ++test, ++done) {
        run(test);
      }
      printf("%zu tests passed\n", done);
      return 0;
    }
  }
  fprintf(stderr, "usage: capi_c_test GROUP (one of those in main.c)\n");
  return 2;
}
