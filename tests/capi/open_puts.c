#include <stdlib.h>

#include "harness.h"

static aquifer_status_t write_at(aquifer_pending_put_t* put, uint64_t offset, const void* bytes,
                                 size_t size) {
  const aquifer_const_piece_t piece = {bytes, size};
  return aquifer_pending_put_write(put, offset, &piece, 1, 0);
}

static void layers_written_in_any_order_are_seen_after_the_commit(fixture_t* on) {
  enum { kLayers = 8, kLayer = 20000 };
  char* value = malloc(kLayers * kLayer);
  aquifer_pending_put_t* put = NULL;
  fill(value, kLayers * kLayer, 9);
  CHECK_STATUS(AQUIFER_OK,
               aquifer_open_put(on->client, KEY("key"), kLayers * kLayer, NULL, 60000, &put));
  CHECK(aquifer_pending_put_bytes(put) == kLayers * kLayer);
  for (size_t i = 0; i < kLayers; ++i) {
    const size_t layer = (i * 3 + 1) % kLayers;
    CHECK_STATUS(AQUIFER_NOT_FOUND, aquifer_exists(on->client, KEY("key"), NULL));
    CHECK_STATUS(AQUIFER_OK, write_at(put, layer * kLayer, value + layer * kLayer, kLayer));
  }
  CHECK_STATUS(AQUIFER_OK, aquifer_pending_put_commit(put, 0));
  aquifer_pending_put_free(put);
  check_value(on, KEY("key"), value, kLayers * kLayer);
  free(value);
}

static void a_put_with_bytes_missing_or_written_twice_is_not_committed(fixture_t* on) {
  aquifer_pending_put_t* put = NULL;
  CHECK_STATUS(AQUIFER_OK, aquifer_open_put(on->client, KEY("key"), 10, NULL, 0, &put));
  CHECK_STATUS(AQUIFER_OK, write_at(put, 0, "01234", 5));
  CHECK_STATUS(AQUIFER_INVALID_ARGUMENT, write_at(put, 4, "xx", 2));
  CHECK_STATUS(AQUIFER_INVALID_ARGUMENT, write_at(put, 8, "xxx", 3));
  CHECK_STATUS(AQUIFER_INVALID_ARGUMENT, aquifer_pending_put_commit(put, 0));
  CHECK_STATUS(AQUIFER_OK, write_at(put, 5, "56789", 5));
  CHECK_STATUS(AQUIFER_OK, aquifer_pending_put_commit(put, 0));
  aquifer_pending_put_free(put);
  check_value(on, KEY("key"), "0123456789", 10);
}

static void an_aborted_or_freed_put_leaves_nothing(fixture_t* on) {
  aquifer_pending_put_t* put = NULL;
  CHECK_STATUS(AQUIFER_OK, aquifer_open_put(on->client, KEY("key"), 5, NULL, 0, &put));
  CHECK_STATUS(AQUIFER_OK, write_at(put, 0, "value", 5));
  aquifer_pending_put_abort(put);
  aquifer_pending_put_abort(put);
  CHECK_STATUS(AQUIFER_CANCELLED, aquifer_pending_put_commit(put, 0));
  aquifer_pending_put_free(put);
  CHECK_STATUS(AQUIFER_OK, aquifer_open_put(on->client, KEY("key"), 5, NULL, 0, &put));
  aquifer_pending_put_free(put);
  CHECK_STATUS(AQUIFER_NOT_FOUND, aquifer_exists(on->client, KEY("key"), NULL));
}

static void an_existing_key_gives_no_handle(fixture_t* on) {
  aquifer_pending_put_t* put = (aquifer_pending_put_t*)on;
  CHECK_STATUS(AQUIFER_OK, put_bytes(on, KEY("key"), "value", 5));
  CHECK_STATUS(AQUIFER_EXISTS, aquifer_open_put(on->client, KEY("key"), 5, NULL, 0, &put));
  CHECK(put == NULL);
}

static void a_batch_opens_many_puts_at_once(fixture_t* on) {
  const aquifer_open_item_t items[] = {{KEY("a"), 3, {NULL, 0}}, {KEY("b"), 4, KEY("a")}};
  aquifer_pending_put_t* puts[2] = {NULL, NULL};
  aquifer_status_t statuses[2];
  CHECK_STATUS(AQUIFER_OK, aquifer_open_put_batch(on->client, items, 2, NULL, 0, puts, statuses));
  CHECK_STATUS(AQUIFER_OK, write_at(puts[1], 0, "four", 4));
  CHECK_STATUS(AQUIFER_OK, write_at(puts[0], 0, "one", 3));
  for (size_t i = 0; i < 2; ++i) {
    CHECK_STATUS(AQUIFER_OK, statuses[i]);
    CHECK_STATUS(AQUIFER_OK, aquifer_pending_put_commit(puts[i], 1000));
    aquifer_pending_put_free(puts[i]);
  }
  check_value(on, KEY("a"), "one", 3);
  check_value(on, KEY("b"), "four", 4);
}

static void an_open_put_outlives_its_client_harmlessly(fixture_t* on) {
  aquifer_client_t* client = NULL;
  aquifer_pending_put_t* put = NULL;
  CHECK_STATUS(AQUIFER_OK, aquifer_pool_client(on->pool, NULL, &client, NULL));
  CHECK_STATUS(AQUIFER_OK, aquifer_open_put(client, KEY("key"), 5, NULL, 0, &put));
  aquifer_client_free(client);
  CHECK(write_at(put, 0, "value", 5) != AQUIFER_OK);
  CHECK(aquifer_pending_put_commit(put, 0) != AQUIFER_OK);
  aquifer_pending_put_free(put);
  CHECK_STATUS(AQUIFER_NOT_FOUND, aquifer_exists(on->client, KEY("key"), NULL));
}

const test_t open_puts_tests[] = {TEST(layers_written_in_any_order_are_seen_after_the_commit),
                                  TEST(a_put_with_bytes_missing_or_written_twice_is_not_committed),
                                  TEST(an_aborted_or_freed_put_leaves_nothing),
                                  TEST(an_existing_key_gives_no_handle),
                                  TEST(a_batch_opens_many_puts_at_once),
                                  TEST(an_open_put_outlives_its_client_harmlessly),
                                  END};
