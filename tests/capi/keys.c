#include "harness.h"

static void a_removed_key_is_gone(fixture_t* on) {
  CHECK_STATUS(AQUIFER_OK, put_bytes(on, KEY("key"), "value", 5));
  CHECK_STATUS(AQUIFER_OK, aquifer_exists(on->client, KEY("key"), NULL));
  CHECK_STATUS(AQUIFER_OK, aquifer_remove(on->client, KEY("key"), NULL));
  CHECK_STATUS(AQUIFER_NOT_FOUND, aquifer_exists(on->client, KEY("key"), NULL));
  CHECK_STATUS(AQUIFER_NOT_FOUND, aquifer_remove(on->client, KEY("key"), NULL));
  void* value = &value;
  uint64_t bytes = 1;
  CHECK_STATUS(AQUIFER_NOT_FOUND, aquifer_get(on->client, KEY("key"), NULL, &value, &bytes));
  CHECK(value == NULL && bytes == 0);
}

static void batches_answer_each_key(fixture_t* on) {
  const aquifer_text_t keys[] = {KEY("a"), KEY("absent"), KEY("b")};
  aquifer_status_t statuses[3];
  aquifer_get_outcome_t outcomes[3];
  CHECK_STATUS(AQUIFER_OK, put_bytes(on, KEY("a"), "1", 1));
  CHECK_STATUS(AQUIFER_OK, put_bytes(on, KEY("b"), "22", 2));
  CHECK_STATUS(AQUIFER_NOT_FOUND, aquifer_exists_batch(on->client, keys, 3, NULL, statuses));
  CHECK(statuses[0] == AQUIFER_OK && statuses[1] == AQUIFER_NOT_FOUND);
  CHECK(statuses[2] == AQUIFER_OK);
  CHECK_STATUS(AQUIFER_NOT_FOUND, aquifer_locate_batch(on->client, keys, 3, NULL, outcomes));
  CHECK(outcomes[0].status == AQUIFER_OK && outcomes[0].bytes == 1);
  CHECK(outcomes[1].status == AQUIFER_NOT_FOUND && outcomes[2].bytes == 2);
  CHECK_STATUS(AQUIFER_NOT_FOUND, aquifer_remove_batch(on->client, keys, 3, NULL, statuses));
  CHECK(statuses[0] == AQUIFER_OK && statuses[1] == AQUIFER_NOT_FOUND);
  CHECK(statuses[2] == AQUIFER_OK);
}

static void match_prefix_counts_the_leading_keys_that_exist(fixture_t* on) {
  const aquifer_text_t keys[] = {KEY("p/0"), KEY("p/1"), KEY("p/2"), KEY("p/3")};
  size_t matched = 9;
  CHECK_STATUS(AQUIFER_OK, aquifer_match_prefix(on->client, keys, 4, NULL, &matched));
  CHECK(matched == 0);
  CHECK_STATUS(AQUIFER_OK, put_bytes(on, keys[0], "x", 1));
  CHECK_STATUS(AQUIFER_OK, put_bytes(on, keys[1], "x", 1));
  CHECK_STATUS(AQUIFER_OK, put_bytes(on, keys[3], "x", 1));
  CHECK_STATUS(AQUIFER_OK, aquifer_match_prefix(on->client, keys, 4, NULL, &matched));
  CHECK(matched == 2);
  CHECK_STATUS(AQUIFER_OK, aquifer_match_prefix(on->client, NULL, 0, NULL, &matched));
  CHECK(matched == 0);
}

static void a_pinned_object_is_counted_until_its_pin_ends(fixture_t* on) {
  const aquifer_text_t keys[] = {KEY("a"), KEY("absent")};
  aquifer_status_t statuses[2];
  aquifer_report_t* report = NULL;
  aquifer_pool_status_t pool = {.struct_size = sizeof pool};
  CHECK_STATUS(AQUIFER_OK, put_bytes(on, KEY("a"), "value", 5));
  CHECK_STATUS(AQUIFER_NOT_FOUND, aquifer_pin_batch(on->client, keys, 2, 60000, NULL, statuses));
  CHECK(statuses[0] == AQUIFER_OK && statuses[1] == AQUIFER_NOT_FOUND);
  CHECK_STATUS(AQUIFER_OK, aquifer_status(on->client, NULL, &report));
  CHECK_STATUS(AQUIFER_OK, aquifer_report_pool(report, &pool));
  CHECK(pool.pinned_bytes >= 5);
  aquifer_report_free(report);
  CHECK_STATUS(AQUIFER_OK, aquifer_pin(on->client, KEY("a"), 0, NULL));
  CHECK_STATUS(AQUIFER_OK, aquifer_status(on->client, NULL, &report));
  CHECK_STATUS(AQUIFER_OK, aquifer_report_pool(report, &pool));
  CHECK(pool.pinned_bytes == 0);
  aquifer_report_free(report);
  CHECK_STATUS(AQUIFER_INVALID_ARGUMENT,
               aquifer_pin(on->client, KEY("a"), AQUIFER_PIN_TTL_MS + 1, NULL));
}

static void a_missing_key_is_one_client_s_to_fill(fixture_t* on) {
  const aquifer_call_options_t fill = {.struct_size = sizeof fill, .fill_ms = 30000};
  const aquifer_text_t key = KEY("to fill");
  aquifer_get_outcome_t outcome;
  aquifer_client_t* other = NULL;
  CHECK_STATUS(AQUIFER_OK, aquifer_pool_client(on->pool, NULL, &other, NULL));
  CHECK_STATUS(AQUIFER_NOT_FOUND, aquifer_locate_batch(on->client, &key, 1, &fill, &outcome));
  CHECK_STATUS(AQUIFER_IN_FLIGHT, aquifer_locate_batch(other, &key, 1, &fill, &outcome));
  CHECK(outcome.filling_ms < 30000);
  CHECK_STATUS(AQUIFER_NOT_FOUND, aquifer_locate_batch(other, &key, 1, NULL, &outcome));
  CHECK_STATUS(AQUIFER_OK, put_bytes(on, key, "value", 5));
  CHECK_STATUS(AQUIFER_OK, aquifer_locate_batch(other, &key, 1, &fill, &outcome));
  CHECK(outcome.bytes == 5 && outcome.filling_ms == 0);
  aquifer_client_free(other);
}

static void remove_prefix_removes_what_begins_so_and_counts_it(fixture_t* on) {
  uint64_t removed = 9;
  CHECK_STATUS(AQUIFER_OK, put_bytes(on, KEY("p/0"), "x", 1));
  CHECK_STATUS(AQUIFER_OK, put_bytes(on, KEY("p/1"), "x", 1));
  CHECK_STATUS(AQUIFER_OK, put_bytes(on, KEY("q"), "x", 1));
  CHECK_STATUS(AQUIFER_OK, aquifer_remove_prefix(on->client, KEY("p/"), NULL, &removed));
  CHECK(removed == 2);
  CHECK_STATUS(AQUIFER_NOT_FOUND, aquifer_exists(on->client, KEY("p/1"), NULL));
  CHECK_STATUS(AQUIFER_OK, aquifer_exists(on->client, KEY("q"), NULL));
  CHECK_STATUS(AQUIFER_OK, aquifer_remove_prefix(on->client, KEY(""), NULL, NULL));
  CHECK_STATUS(AQUIFER_NOT_FOUND, aquifer_exists(on->client, KEY("q"), NULL));
}

const test_t keys_tests[] = {TEST(a_removed_key_is_gone),
                             TEST(batches_answer_each_key),
                             TEST(match_prefix_counts_the_leading_keys_that_exist),
                             TEST(a_pinned_object_is_counted_until_its_pin_ends),
                             TEST(a_missing_key_is_one_client_s_to_fill),
                             TEST(remove_prefix_removes_what_begins_so_and_counts_it),
                             END};
