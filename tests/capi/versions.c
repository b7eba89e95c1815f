#include "harness.h"

/* Structs as an older and a newer header would have them. */
typedef struct older_put_options_t {
  size_t struct_size;
  uint32_t mode;
} older_put_options_t;

typedef struct newer_call_options_t {
  aquifer_call_options_t known;
  uint64_t unknown;
} newer_call_options_t;

typedef struct newer_pool_status_t {
  aquifer_pool_status_t known;
  uint64_t unknown;
} newer_pool_status_t;

typedef struct older_pool_status_t {
  size_t struct_size;
  uint64_t capacity_bytes;
  uint64_t guard; /* not of the struct */
} older_pool_status_t;

static void an_older_struct_has_defaults_in_what_it_lacks(fixture_t* on) {
  /* What lies behind it in memory would be nine replicas, which is an error. */
  struct {
    older_put_options_t options;
    uint32_t behind[32];
  } caller = {.options = {.struct_size = offsetof(older_put_options_t, mode) + sizeof(uint32_t)}};
  memset(caller.behind, 9, sizeof caller.behind);
  const aquifer_const_piece_t piece = {"value", 5};
  CHECK_STATUS(AQUIFER_OK, aquifer_put(on->client, KEY("key"), &piece, 1,
                                       (const aquifer_put_options_t*)&caller.options));
  caller.options.mode = 3;
  CHECK_STATUS(AQUIFER_INVALID_ARGUMENT,
               aquifer_put(on->client, KEY("key"), &piece, 1,
                           (const aquifer_put_options_t*)&caller.options));
}

static void a_newer_struct_is_accepted_when_what_is_unknown_is_zero(fixture_t* on) {
  newer_call_options_t options = {.known = {.struct_size = sizeof options}};
  CHECK_STATUS(AQUIFER_NOT_FOUND, aquifer_exists(on->client, KEY("key"), &options.known));
  options.unknown = (uint64_t)1 << 56;
  CHECK_STATUS(AQUIFER_INVALID_ARGUMENT, aquifer_exists(on->client, KEY("key"), &options.known));
}

static void a_value_of_no_version_is_refused(fixture_t* on) {
  const aquifer_put_options_t put = {.struct_size = sizeof put, .group = 2};
  const aquifer_const_piece_t piece = {"value", 5};
  CHECK_STATUS(AQUIFER_INVALID_ARGUMENT, aquifer_put(on->client, KEY("key"), &piece, 1, &put));
}

static void a_size_that_was_never_set_is_refused(fixture_t* on) {
  aquifer_call_options_t call = {0};
  aquifer_pool_status_t pool = {0};
  aquifer_error_t error = {0};
  aquifer_client_counters_t counters = {0};
  aquifer_client_t* client = NULL;
  aquifer_report_t* report = NULL;
  CHECK_STATUS(AQUIFER_INVALID_ARGUMENT, aquifer_exists(on->client, KEY("key"), &call));
  call.struct_size = (size_t)1 << 40;
  CHECK_STATUS(AQUIFER_INVALID_ARGUMENT, aquifer_exists(on->client, KEY("key"), &call));
  CHECK_STATUS(AQUIFER_OK, aquifer_status(on->client, NULL, &report));
  CHECK_STATUS(AQUIFER_INVALID_ARGUMENT, aquifer_report_pool(report, &pool));
  CHECK(pool.capacity_bytes == 0);
  aquifer_report_free(report);
  CHECK_STATUS(AQUIFER_INVALID_ARGUMENT, aquifer_last_error(on->client, &error));
  CHECK_STATUS(AQUIFER_INVALID_ARGUMENT, aquifer_counters(on->client, &counters));
  CHECK_STATUS(AQUIFER_INVALID_ARGUMENT, aquifer_client_open(NULL, &client, &error));
  CHECK(client == NULL);
}

static void an_answer_fits_the_struct_of_an_older_caller(fixture_t* on) {
  aquifer_report_t* report = NULL;
  older_pool_status_t older = {.struct_size = offsetof(older_pool_status_t, guard), .guard = 77};
  CHECK_STATUS(AQUIFER_OK, aquifer_status(on->client, NULL, &report));
  CHECK_STATUS(AQUIFER_OK, aquifer_report_pool(report, (aquifer_pool_status_t*)&older));
  CHECK(older.capacity_bytes != 0 && older.guard == 77);
  CHECK(older.struct_size == offsetof(older_pool_status_t, guard));
  aquifer_report_free(report);
}

static void an_answer_is_zero_in_what_only_a_newer_caller_knows(fixture_t* on) {
  aquifer_report_t* report = NULL;
  newer_pool_status_t newer = {.known = {.struct_size = sizeof newer}, .unknown = 77};
  CHECK_STATUS(AQUIFER_OK, aquifer_status(on->client, NULL, &report));
  CHECK_STATUS(AQUIFER_OK, aquifer_report_pool(report, &newer.known));
  CHECK(newer.known.capacity_bytes != 0 && newer.unknown == 0);
  aquifer_report_free(report);
}

const test_t versions_tests[] = {TEST(an_older_struct_has_defaults_in_what_it_lacks),
                                 TEST(a_newer_struct_is_accepted_when_what_is_unknown_is_zero),
                                 TEST(a_value_of_no_version_is_refused),
                                 TEST(a_size_that_was_never_set_is_refused),
                                 TEST(an_answer_fits_the_struct_of_an_older_caller),
                                 TEST(an_answer_is_zero_in_what_only_a_newer_caller_knows),
                                 END};
