#include <stdlib.h>

#include "harness.h"

static const aquifer_text_t null_text = {NULL, 3};

static void a_null_client_is_an_invalid_argument(fixture_t* on) {
  const aquifer_const_piece_t from = {"value", 5};
  char room[8];
  const aquifer_piece_t to = {room, 8};
  const aquifer_text_t key = KEY("key");
  const aquifer_put_item_t item = {key, &from, 1, {NULL, 0}};
  aquifer_status_t status = -1;
  aquifer_get_outcome_t outcome;
  size_t matched = 1;
  uint64_t bytes = 1;
  void* value = room;
  aquifer_view_t* view = (aquifer_view_t*)on;
  aquifer_pending_put_t* put = (aquifer_pending_put_t*)on;
  aquifer_page_t* page = (aquifer_page_t*)on;
  aquifer_object_t* object = (aquifer_object_t*)on;
  aquifer_report_t* report = (aquifer_report_t*)on;
  aquifer_error_t error = {.struct_size = sizeof error};
  aquifer_client_counters_t counters = {.struct_size = sizeof counters};
  const aquifer_status_t bad = AQUIFER_INVALID_ARGUMENT;
  CHECK_STATUS(bad, aquifer_put(NULL, key, &from, 1, NULL));
  CHECK_STATUS(bad, aquifer_put_batch(NULL, &item, 1, NULL, &status));
  CHECK_STATUS(bad, status);
  CHECK_STATUS(bad, aquifer_open_put(NULL, key, 1, NULL, 0, &put));
  CHECK_STATUS(bad, aquifer_get_into(NULL, key, &to, 1, NULL, &bytes));
  CHECK_STATUS(bad, aquifer_get_range(NULL, key, 0, &to, 1, NULL, &bytes));
  CHECK_STATUS(bad, aquifer_get(NULL, key, NULL, &value, &bytes));
  CHECK_STATUS(bad, aquifer_view(NULL, key, NULL, &view));
  CHECK_STATUS(bad, aquifer_exists(NULL, key, NULL));
  CHECK_STATUS(bad, aquifer_locate_batch(NULL, &key, 1, NULL, &outcome));
  CHECK_STATUS(bad, outcome.status);
  CHECK_STATUS(bad, aquifer_match_prefix(NULL, &key, 1, NULL, &matched));
  CHECK_STATUS(bad, aquifer_remove(NULL, key, NULL));
  CHECK_STATUS(bad, aquifer_remove_prefix(NULL, key, NULL, &bytes));
  CHECK_STATUS(bad, aquifer_pin(NULL, key, 1, NULL));
  CHECK_STATUS(bad, aquifer_list(NULL, key, key, 1, NULL, &page));
  CHECK_STATUS(bad, aquifer_stat(NULL, key, NULL, &object));
  CHECK_STATUS(bad, aquifer_status(NULL, NULL, &report));
  CHECK_STATUS(bad, aquifer_counters(NULL, &counters));
  CHECK_STATUS(bad, aquifer_last_error(NULL, &error));
  CHECK(value == NULL && bytes == 0 && matched == 0);
  CHECK(view == NULL && put == NULL && page == NULL && object == NULL && report == NULL);
}

static void other_null_handles_are_harmless(fixture_t* on) {
  const aquifer_const_piece_t from = {"value", 5};
  aquifer_pool_status_t pool = {.struct_size = sizeof pool};
  aquifer_node_status_t node = {.struct_size = sizeof node};
  aquifer_client_t* client = (aquifer_client_t*)on;
  size_t count = 1;
  const aquifer_status_t bad = AQUIFER_INVALID_ARGUMENT;
  CHECK(aquifer_view_pieces(NULL, &count) == NULL && count == 0);
  CHECK(aquifer_view_bytes(NULL) == 0 && !aquifer_view_is_copy(NULL));
  CHECK_STATUS(bad, aquifer_view_verify(NULL));
  CHECK(aquifer_pending_put_bytes(NULL) == 0);
  CHECK_STATUS(bad, aquifer_pending_put_write(NULL, 0, &from, 1, 0));
  CHECK_STATUS(bad, aquifer_pending_put_commit(NULL, 0));
  CHECK(aquifer_page_count(NULL) == 0 && aquifer_page_cursor(NULL).size == 0);
  CHECK_STATUS(bad, aquifer_page_entry(NULL, 0, NULL, NULL));
  CHECK(aquifer_object_bytes(NULL) == 0 && aquifer_object_replica_count(NULL) == 0);
  CHECK(aquifer_object_replica_node(NULL, 0) == NULL);
  CHECK(aquifer_report_node_count(NULL) == 0);
  CHECK_STATUS(bad, aquifer_report_pool(NULL, &pool));
  CHECK_STATUS(bad, aquifer_report_node(NULL, 0, &node));
  CHECK_STATUS(bad, aquifer_pool_client(NULL, NULL, &client, NULL));
  CHECK(client == NULL && aquifer_pool_meta_address(NULL) == NULL);
  CHECK_STATUS(bad, aquifer_pool_open(NULL, NULL, NULL));
  CHECK_STATUS(bad, aquifer_client_open(NULL, NULL, NULL));
  aquifer_pending_put_abort(NULL);
  aquifer_client_close(NULL);
  aquifer_pool_close(NULL);
  aquifer_pending_put_free(NULL);
  aquifer_view_release(NULL);
  aquifer_page_free(NULL);
  aquifer_object_free(NULL);
  aquifer_report_free(NULL);
  aquifer_client_free(NULL);
  aquifer_pool_free(NULL);
  aquifer_free(NULL);
}

static void a_null_array_or_answer_is_an_invalid_argument(fixture_t* on) {
  const aquifer_text_t key = KEY("key");
  aquifer_status_t status = -1;
  aquifer_get_outcome_t outcome = {-1, 0, 7};
  void* value = NULL;
  const aquifer_status_t bad = AQUIFER_INVALID_ARGUMENT;
  CHECK_STATUS(bad, aquifer_put_batch(on->client, NULL, 1, NULL, &status));
  CHECK_STATUS(bad, status);
  CHECK_STATUS(bad, aquifer_get_batch(on->client, NULL, 1, NULL, &outcome));
  CHECK(outcome.status == bad && outcome.bytes == 0);
  CHECK_STATUS(bad, aquifer_exists_batch(on->client, &key, 1, NULL, NULL));
  CHECK_STATUS(bad, aquifer_match_prefix(on->client, &key, 1, NULL, NULL));
  CHECK_STATUS(bad, aquifer_get(on->client, key, NULL, &value, NULL));
  CHECK_STATUS(bad, aquifer_view(on->client, key, NULL, NULL));
  CHECK_STATUS(bad, aquifer_open_put(on->client, key, 1, NULL, 0, NULL));
  CHECK_STATUS(bad, aquifer_list(on->client, key, key, 1, NULL, NULL));
  CHECK_STATUS(bad, aquifer_stat(on->client, key, NULL, NULL));
  CHECK_STATUS(bad, aquifer_status(on->client, NULL, NULL));
  CHECK_STATUS(bad, aquifer_last_error(on->client, NULL));
}

static void null_bytes_spoil_their_own_item_only(fixture_t* on) {
  const aquifer_const_piece_t good = {"value", 5};
  const aquifer_const_piece_t null_piece = {NULL, 5};
  const aquifer_put_item_t items[] = {
      {KEY("a"), &good, 1, {NULL, 0}}, {null_text, &good, 1, {NULL, 0}},
      {KEY("b"), NULL, 2, {NULL, 0}},  {KEY("c"), &null_piece, 1, {NULL, 0}},
      {KEY("d"), &good, 1, null_text}, {KEY("e"), &good, 1, KEY("a")}};
  aquifer_status_t statuses[6];
  CHECK_STATUS(AQUIFER_INVALID_ARGUMENT, aquifer_put_batch(on->client, items, 6, NULL, statuses));
  CHECK(statuses[0] == AQUIFER_OK && statuses[5] == AQUIFER_OK);
  for (size_t i = 1; i < 5; ++i) {
    CHECK_STATUS(AQUIFER_INVALID_ARGUMENT, statuses[i]);
  }
  CHECK_STATUS(AQUIFER_INVALID_ARGUMENT, aquifer_exists(on->client, null_text, NULL));
  CHECK_STATUS(AQUIFER_INVALID_ARGUMENT,
               aquifer_get_into(on->client, KEY("a"), NULL, 1, NULL, NULL));
}

static void null_bytes_never_stand_for_everything(fixture_t* on) {
  aquifer_page_t* page = NULL;
  uint64_t removed = 7;
  CHECK_STATUS(AQUIFER_OK, put_bytes(on, KEY("key"), "value", 5));
  CHECK_STATUS(AQUIFER_INVALID_ARGUMENT,
               aquifer_remove_prefix(on->client, null_text, NULL, &removed));
  CHECK(removed == 0);
  CHECK_STATUS(AQUIFER_INVALID_ARGUMENT,
               aquifer_list(on->client, null_text, KEY(""), 10, NULL, &page));
  CHECK_STATUS(AQUIFER_OK, aquifer_exists(on->client, KEY("key"), NULL));
}

static void limits_are_answered_and_not_tried(fixture_t* on) {
  char long_key[AQUIFER_KEY_BYTES + 1];
  memset(long_key, 'k', sizeof long_key);
  const aquifer_text_t too_long = {long_key, sizeof long_key};
  const aquifer_text_t longest = {long_key, sizeof long_key - 1};
  CHECK_STATUS(AQUIFER_INVALID_ARGUMENT, put_bytes(on, too_long, "x", 1));
  CHECK_STATUS(AQUIFER_OK, put_bytes(on, longest, "x", 1));
  CHECK_STATUS(AQUIFER_INVALID_ARGUMENT, put_bytes(on, KEY("k"), "", 0));
  CHECK_STATUS(AQUIFER_TOO_LARGE, put_bytes(on, KEY("k"), "x", AQUIFER_VALUE_BYTES + 1));

  aquifer_text_t* keys = calloc(AQUIFER_BATCH_KEYS + 1, sizeof *keys);
  aquifer_status_t* statuses = calloc(AQUIFER_BATCH_KEYS + 1, sizeof *statuses);
  size_t matched = 1;
  CHECK_STATUS(AQUIFER_TOO_LARGE,
               aquifer_exists_batch(on->client, keys, AQUIFER_BATCH_KEYS + 1, NULL, statuses));
  CHECK_STATUS(AQUIFER_TOO_LARGE, aquifer_exists_batch(on->client, keys, SIZE_MAX, NULL, statuses));
  CHECK(statuses[0] == 0); /* a count that large says nothing of the array */
  CHECK_STATUS(AQUIFER_TOO_LARGE, aquifer_match_prefix(on->client, keys, SIZE_MAX, NULL, &matched));
  CHECK(matched == 0);
  free(keys);
  free(statuses);
}

static void options_out_of_range_are_refused(fixture_t* on) {
  const aquifer_call_options_t slow = {.struct_size = sizeof slow, .timeout_ms = 3600001};
  const aquifer_call_options_t zero = {.struct_size = sizeof zero, .name_space = {"a\0b", 3}};
  const aquifer_put_options_t mode = {.struct_size = sizeof mode, .mode = 3};
  const aquifer_client_options_t transport = {.struct_size = sizeof transport, .transport = 3};
  const aquifer_client_options_t address = {.struct_size = sizeof address, .meta = KEY("nonsense")};
  const aquifer_client_options_t null_meta = {.struct_size = sizeof null_meta, .meta = {NULL, 4}};
  const aquifer_client_options_t threads = {.struct_size = sizeof threads, .copy_threads = 65};
  const aquifer_const_piece_t piece = {"value", 5};
  aquifer_client_t* client = NULL;
  aquifer_error_t error = {.struct_size = sizeof error};
  const aquifer_status_t bad = AQUIFER_INVALID_ARGUMENT;
  CHECK_STATUS(bad, aquifer_exists(on->client, KEY("k"), &slow));
  CHECK_STATUS(bad, aquifer_exists(on->client, KEY("k"), &zero));
  CHECK_STATUS(bad, aquifer_put(on->client, KEY("k"), &piece, 1, &mode));
  CHECK_STATUS(bad, aquifer_client_open(&transport, &client, &error));
  CHECK_STATUS(bad, aquifer_client_open(&null_meta, &client, NULL));
  CHECK_STATUS(bad, aquifer_client_open(&threads, &client, NULL));
  CHECK_STATUS(bad, aquifer_client_open(&address, &client, &error));
  CHECK(client == NULL && error.status == bad && strstr(error.message, "nonsense") != NULL);
}

static void a_pool_that_cannot_start_says_why(fixture_t* on) {
  const aquifer_pool_options_t small = {.struct_size = sizeof small, .dram_bytes = 1};
  const aquifer_pool_options_t listen = {.struct_size = sizeof listen, .listen = KEY("nonsense")};
  aquifer_pool_t* pool = (aquifer_pool_t*)on;
  aquifer_error_t error = {.struct_size = sizeof error};
  CHECK(aquifer_pool_open(&small, &pool, &error) != AQUIFER_OK);
  CHECK(pool == NULL && error.status != AQUIFER_OK && error.message[0] != '\0');
  CHECK_STATUS(AQUIFER_INVALID_ARGUMENT, aquifer_pool_open(&listen, &pool, &error));
}

const test_t bad_input_tests[] = {TEST(a_null_client_is_an_invalid_argument),
                                  TEST(other_null_handles_are_harmless),
                                  TEST(a_null_array_or_answer_is_an_invalid_argument),
                                  TEST(null_bytes_spoil_their_own_item_only),
                                  TEST(null_bytes_never_stand_for_everything),
                                  TEST(limits_are_answered_and_not_tried),
                                  TEST(options_out_of_range_are_refused),
                                  TEST(a_pool_that_cannot_start_says_why),
                                  END};
