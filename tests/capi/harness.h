/* Tests in C: named groups of functions whose names are sentences, each with a pool and a client of
 * its own. A failed CHECK says where and what, and ends the program. */
#ifndef TESTS_CAPI_HARNESS_H
#define TESTS_CAPI_HARNESS_H

#include <aquifer/aquifer.h>
#include <string.h>

typedef struct fixture_t {
  aquifer_pool_t* pool;
  aquifer_client_t* client;
} fixture_t;

typedef struct test_t {
  const char* name;
  void (*run)(fixture_t* on);
} test_t;

/* A null name ends a group. */
#define TEST(function) \
  { #function, function }
#define END \
  { NULL, NULL }

extern const test_t values_tests[];
extern const test_t keys_tests[];
extern const test_t ranges_tests[];
extern const test_t views_tests[];
extern const test_t open_puts_tests[];
extern const test_t listings_tests[];
extern const test_t reports_tests[];
extern const test_t versions_tests[];
extern const test_t bad_input_tests[];
extern const test_t lives_tests[];

/* These end the program, with the client's last error (when there is one) in words. */
_Noreturn void check_failed(const char* file, int line, const char* what);
void check_status_is(const char* file, int line, const char* what, aquifer_status_t wanted,
                     aquifer_status_t got);

#define CHECK(condition)                                            \
  do {                                                              \
    if (!(condition)) check_failed(__FILE__, __LINE__, #condition); \
  } while (0)

#define CHECK_STATUS(wanted, call) check_status_is(__FILE__, __LINE__, #call, wanted, call)

/* A text of a literal. */
#define KEY(literal) ((aquifer_text_t){literal, sizeof(literal) - 1})

/* Puts bytes in one piece with the default options. */
aquifer_status_t put_bytes(fixture_t* on, aquifer_text_t key, const void* bytes, size_t size);
/* Checks that a get of the key gives these bytes. */
void check_value(fixture_t* on, aquifer_text_t key, const void* bytes, size_t size);
/* Fills memory with bytes that depend on their place and on the seed. */
void fill(void* memory, size_t size, unsigned seed);

#endif
