#include <stdlib.h>

#include "harness.h"

static void check_shows(const aquifer_view_t* view, const char* value, size_t size) {
  size_t count = 0;
  const aquifer_const_piece_t* pieces = aquifer_view_pieces(view, &count);
  CHECK(aquifer_view_bytes(view) == size);
  size_t at = 0;
  for (size_t i = 0; i < count; ++i) {
    CHECK(at + pieces[i].bytes <= size);
    CHECK(memcmp(pieces[i].address, value + at, pieces[i].bytes) == 0);
    at += pieces[i].bytes;
  }
  CHECK(at == size);
  CHECK_STATUS(AQUIFER_OK, aquifer_view_verify(view));
}

static void a_view_shows_the_value_in_place(fixture_t* on) {
  enum { kValue = 3000000 };
  char* value = malloc(kValue);
  aquifer_view_t* view = NULL;
  fill(value, kValue, 5);
  CHECK_STATUS(AQUIFER_OK, put_bytes(on, KEY("key"), value, kValue));
  CHECK_STATUS(AQUIFER_OK, aquifer_view(on->client, KEY("key"), NULL, &view));
  CHECK(!aquifer_view_is_copy(view));
  check_shows(view, value, kValue);
  aquifer_view_release(view);
  free(value);
}

static void a_view_by_tcp_is_a_copy(fixture_t* on) {
  const aquifer_client_options_t options = {.struct_size = sizeof options,
                                            .transport = AQUIFER_TRANSPORT_TCP};
  aquifer_client_t* client = NULL;
  aquifer_view_t* view = NULL;
  CHECK_STATUS(AQUIFER_OK, put_bytes(on, KEY("key"), "value", 5));
  CHECK_STATUS(AQUIFER_OK, aquifer_pool_client(on->pool, &options, &client, NULL));
  CHECK_STATUS(AQUIFER_OK, aquifer_view(client, KEY("key"), NULL, &view));
  CHECK(aquifer_view_is_copy(view));
  check_shows(view, "value", 5);
  aquifer_view_release(view);
  aquifer_client_free(client);
}

static void a_view_outlives_its_object_and_its_client(fixture_t* on) {
  aquifer_client_t* client = NULL;
  aquifer_view_t* view = NULL;
  CHECK_STATUS(AQUIFER_OK, put_bytes(on, KEY("key"), "value", 5));
  CHECK_STATUS(AQUIFER_OK, aquifer_pool_client(on->pool, NULL, &client, NULL));
  CHECK_STATUS(AQUIFER_OK, aquifer_view(client, KEY("key"), NULL, &view));
  CHECK_STATUS(AQUIFER_OK, aquifer_remove(on->client, KEY("key"), NULL));
  aquifer_client_free(client);
  check_shows(view, "value", 5);
  aquifer_view_release(view);
}

static void a_batch_gives_a_view_for_each_key_that_is_there(fixture_t* on) {
  const aquifer_text_t keys[] = {KEY("a"), KEY("absent"), KEY("b")};
  aquifer_view_t* views[3] = {(aquifer_view_t*)on, (aquifer_view_t*)on, (aquifer_view_t*)on};
  aquifer_status_t statuses[3];
  CHECK_STATUS(AQUIFER_OK, put_bytes(on, KEY("a"), "1", 1));
  CHECK_STATUS(AQUIFER_OK, put_bytes(on, KEY("b"), "22", 2));
  CHECK_STATUS(AQUIFER_NOT_FOUND, aquifer_view_batch(on->client, keys, 3, NULL, views, statuses));
  CHECK(statuses[0] == AQUIFER_OK && statuses[1] == AQUIFER_NOT_FOUND);
  check_shows(views[0], "1", 1);
  CHECK(views[1] == NULL);
  check_shows(views[2], "22", 2);
  for (size_t i = 0; i < 3; ++i) {
    aquifer_view_release(views[i]);
  }
}

const test_t views_tests[] = {TEST(a_view_shows_the_value_in_place), TEST(a_view_by_tcp_is_a_copy),
                              TEST(a_view_outlives_its_object_and_its_client),
                              TEST(a_batch_gives_a_view_for_each_key_that_is_there), END};
