#include <stdlib.h>

#include "harness.h"

static void what_was_put_comes_back_in_fresh_memory(fixture_t* on) {
  const size_t sizes[] = {1, 63, 4096, 65537, 3000017};
  char* bytes = malloc(3000017);
  for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; ++i) {
    const aquifer_text_t key = {(const char*)&sizes[i], sizeof sizes[i]}; /* zeros are allowed */
    fill(bytes, sizes[i], (unsigned)i);
    CHECK_STATUS(AQUIFER_OK, put_bytes(on, key, bytes, sizes[i]));
    check_value(on, key, bytes, sizes[i]);
  }
  free(bytes);
}

static void scattered_pieces_arrive_where_they_belong(fixture_t* on) {
  enum { kPieces = 122, kLong = 4096, kShort = 512, kValue = 61 * (kLong + kShort) };
  char* from = malloc(kValue);
  char* to = malloc(kValue);
  aquifer_const_piece_t sources[kPieces];
  aquifer_piece_t destinations[kPieces];
  size_t at = 0;
  for (size_t i = 0; i < kPieces; ++i) {
    const size_t size = i % 2 == 0 ? kLong : kShort;
    sources[i] = (aquifer_const_piece_t){from + at, size};
    destinations[kPieces - 1 - i] = (aquifer_piece_t){to + at, size};
    at += size;
  }
  fill(from, kValue, 3);
  CHECK_STATUS(AQUIFER_OK, aquifer_put(on->client, KEY("block"), sources, kPieces, NULL));
  uint64_t bytes = 0;
  CHECK_STATUS(AQUIFER_OK,
               aquifer_get_into(on->client, KEY("block"), destinations, kPieces, NULL, &bytes));
  CHECK(bytes == kValue);
  /* The destinations lie in the opposite order: put together, they are the value again. */
  const char* expected = from;
  for (size_t i = 0; i < kPieces; ++i) {
    CHECK(memcmp(destinations[i].address, expected, destinations[i].bytes) == 0);
    expected += destinations[i].bytes;
  }
  free(from);
  free(to);
}

static void an_existing_key_is_a_success_that_moves_nothing(fixture_t* on) {
  CHECK_STATUS(AQUIFER_OK, put_bytes(on, KEY("key"), "one", 3));
  CHECK_STATUS(AQUIFER_EXISTS, put_bytes(on, KEY("key"), "two!", 4));
  check_value(on, KEY("key"), "one", 3);
}

static void a_group_is_put_whole_or_not_at_all(fixture_t* on) {
  const aquifer_put_options_t group = {.struct_size = sizeof group, .group = 1};
  const aquifer_const_piece_t piece = {"value", 5};
  const aquifer_put_item_t items[] = {
      {.key = KEY("g1"), .pieces = &piece, .piece_count = 1},
      {.key = KEY("g2"), .pieces = &piece, .piece_count = 1},
      {.key = KEY("g1"), .pieces = &piece, .piece_count = 1},
  };
  aquifer_status_t statuses[3];
  CHECK_STATUS(AQUIFER_CANCELLED, aquifer_put_batch(on->client, items, 3, &group, statuses));
  CHECK(statuses[0] == AQUIFER_CANCELLED && statuses[1] == AQUIFER_CANCELLED);
  CHECK(statuses[2] == AQUIFER_INVALID_ARGUMENT);
  CHECK_STATUS(AQUIFER_OK, aquifer_put_batch(on->client, items, 2, &group, statuses));
  check_value(on, KEY("g1"), "value", 5);
  check_value(on, KEY("g2"), "value", 5);
}

static void replace_puts_the_new_value_in_the_place_of_the_old(fixture_t* on) {
  const aquifer_put_options_t replace = {.struct_size = sizeof replace,
                                         .mode = AQUIFER_PUT_REPLACE};
  const aquifer_const_piece_t piece = {"two!", 4};
  CHECK_STATUS(AQUIFER_OK, put_bytes(on, KEY("key"), "one", 3));
  CHECK_STATUS(AQUIFER_OK, aquifer_put(on->client, KEY("key"), &piece, 1, &replace));
  check_value(on, KEY("key"), "two!", 4);
}

static void put_if_absent_tells_what_is_there_from_what_is_being_put(fixture_t* on) {
  const aquifer_put_options_t absent = {.struct_size = sizeof absent,
                                        .mode = AQUIFER_PUT_IF_ABSENT};
  const aquifer_const_piece_t piece = {"value", 5};
  aquifer_pending_put_t* other = NULL;
  CHECK_STATUS(AQUIFER_OK, aquifer_open_put(on->client, KEY("key"), 5, NULL, 0, &other));
  CHECK_STATUS(AQUIFER_IN_FLIGHT, aquifer_put(on->client, KEY("key"), &piece, 1, &absent));
  aquifer_pending_put_free(other);
  CHECK_STATUS(AQUIFER_OK, aquifer_put(on->client, KEY("key"), &piece, 1, &absent));
  CHECK_STATUS(AQUIFER_EXISTS, aquifer_put(on->client, KEY("key"), &piece, 1, &absent));
}

static void a_batch_answers_each_key_and_the_first_that_failed(fixture_t* on) {
  const aquifer_const_piece_t piece = {"value", 5};
  const aquifer_put_item_t puts[] = {
      {KEY("a"), &piece, 1, {NULL, 0}}, {KEY("b"), &piece, 1, KEY("a")}, {KEY(""), &piece, 1, {0}}};
  aquifer_status_t statuses[3] = {-1, -1, -1};
  CHECK_STATUS(AQUIFER_OK, put_bytes(on, KEY("b"), "VALUE", 5));
  CHECK_STATUS(AQUIFER_OK, aquifer_put_batch(on->client, puts, 2, NULL, statuses));
  CHECK(statuses[0] == AQUIFER_OK && statuses[1] == AQUIFER_EXISTS && statuses[2] == -1);
  CHECK_STATUS(AQUIFER_INVALID_ARGUMENT, aquifer_put_batch(on->client, puts, 3, NULL, statuses));
  CHECK(statuses[0] == AQUIFER_EXISTS && statuses[2] == AQUIFER_INVALID_ARGUMENT);

  char room[3][8] = {{0}};
  const aquifer_piece_t places[] = {{room[0], 8}, {room[1], 8}, {room[2], 3}};
  const aquifer_get_item_t gets[] = {
      {KEY("a"), &places[0], 1}, {KEY("absent"), &places[1], 1}, {KEY("b"), &places[2], 1}};
  aquifer_get_outcome_t outcomes[3];
  CHECK_STATUS(AQUIFER_NOT_FOUND, aquifer_get_batch(on->client, gets, 3, NULL, outcomes));
  CHECK(outcomes[0].status == AQUIFER_OK && outcomes[0].bytes == 5);
  CHECK(memcmp(room[0], "value\0\0\0", 8) == 0);
  CHECK(outcomes[1].status == AQUIFER_NOT_FOUND);
  CHECK(outcomes[2].status == AQUIFER_TOO_SMALL && outcomes[2].bytes == 5);
}

static void a_batch_of_nothing_is_ok(fixture_t* on) {
  CHECK_STATUS(AQUIFER_OK, aquifer_put_batch(on->client, NULL, 0, NULL, NULL));
  CHECK_STATUS(AQUIFER_OK, aquifer_get_batch(on->client, NULL, 0, NULL, NULL));
}

static void a_namespace_of_one_call_hides_its_keys_from_others(fixture_t* on) {
  const aquifer_put_options_t put = {.struct_size = sizeof put, .name_space = KEY("other")};
  const aquifer_call_options_t call = {.struct_size = sizeof call, .name_space = KEY("other")};
  const aquifer_const_piece_t piece = {"value", 5};
  CHECK_STATUS(AQUIFER_OK, aquifer_put(on->client, KEY("key"), &piece, 1, &put));
  CHECK_STATUS(AQUIFER_NOT_FOUND, aquifer_exists(on->client, KEY("key"), NULL));
  CHECK_STATUS(AQUIFER_OK, aquifer_exists(on->client, KEY("key"), &call));
}

static void more_replicas_than_nodes_are_no_space(fixture_t* on) {
  const aquifer_put_options_t two = {.struct_size = sizeof two, .replicas = 2};
  const aquifer_put_options_t nine = {.struct_size = sizeof nine, .replicas = 9};
  const aquifer_const_piece_t piece = {"value", 5};
  CHECK_STATUS(AQUIFER_NO_SPACE, aquifer_put(on->client, KEY("key"), &piece, 1, &two));
  CHECK_STATUS(AQUIFER_INVALID_ARGUMENT, aquifer_put(on->client, KEY("key"), &piece, 1, &nine));
}

const test_t values_tests[] = {TEST(what_was_put_comes_back_in_fresh_memory),
                               TEST(scattered_pieces_arrive_where_they_belong),
                               TEST(an_existing_key_is_a_success_that_moves_nothing),
                               TEST(a_group_is_put_whole_or_not_at_all),
                               TEST(replace_puts_the_new_value_in_the_place_of_the_old),
                               TEST(put_if_absent_tells_what_is_there_from_what_is_being_put),
                               TEST(a_batch_answers_each_key_and_the_first_that_failed),
                               TEST(a_batch_of_nothing_is_ok),
                               TEST(a_namespace_of_one_call_hides_its_keys_from_others),
                               TEST(more_replicas_than_nodes_are_no_space),
                               END};
