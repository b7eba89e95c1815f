#include <stdlib.h>

#include "harness.h"

enum { kValue = 300000 };

static char* put_value(fixture_t* on) {
  char* value = malloc(kValue);
  fill(value, kValue, 1);
  CHECK_STATUS(AQUIFER_OK, put_bytes(on, KEY("key"), value, kValue));
  return value;
}

static void a_range_fills_the_pieces(fixture_t* on) {
  char* value = put_value(on);
  char first[1000];
  char second[70000];
  const aquifer_piece_t pieces[] = {{first, sizeof first}, {second, sizeof second}};
  uint64_t bytes = 0;
  CHECK_STATUS(AQUIFER_OK,
               aquifer_get_range(on->client, KEY("key"), 65000, pieces, 2, NULL, &bytes));
  CHECK(bytes == sizeof first + sizeof second);
  CHECK(memcmp(first, value + 65000, sizeof first) == 0);
  CHECK(memcmp(second, value + 65000 + sizeof first, sizeof second) == 0);
  free(value);
}

static void a_range_ends_where_the_value_does(fixture_t* on) {
  char* value = put_value(on);
  char room[100];
  const aquifer_piece_t piece = {room, sizeof room};
  uint64_t bytes = 0;
  CHECK_STATUS(AQUIFER_OK,
               aquifer_get_range(on->client, KEY("key"), kValue - 40, &piece, 1, NULL, &bytes));
  CHECK(bytes == 40 && memcmp(room, value + kValue - 40, 40) == 0);
  CHECK_STATUS(AQUIFER_INVALID_ARGUMENT,
               aquifer_get_range(on->client, KEY("key"), kValue, &piece, 1, NULL, NULL));
  free(value);
}

static void a_batch_reads_several_ranges_of_several_keys(fixture_t* on) {
  char* value = put_value(on);
  char room[3][10];
  const aquifer_piece_t pieces[] = {{room[0], 10}, {room[1], 10}, {room[2], 10}};
  const aquifer_range_item_t items[] = {{KEY("key"), 7, &pieces[0], 1},
                                        {KEY("absent"), 0, &pieces[1], 1},
                                        {KEY("key"), 200000, &pieces[2], 1}};
  aquifer_get_outcome_t outcomes[3];
  CHECK_STATUS(AQUIFER_NOT_FOUND, aquifer_get_range_batch(on->client, items, 3, NULL, outcomes));
  CHECK(outcomes[0].status == AQUIFER_OK && memcmp(room[0], value + 7, 10) == 0);
  CHECK(outcomes[1].status == AQUIFER_NOT_FOUND);
  CHECK(outcomes[2].status == AQUIFER_OK && memcmp(room[2], value + 200000, 10) == 0);
  free(value);
}

const test_t ranges_tests[] = {TEST(a_range_fills_the_pieces),
                               TEST(a_range_ends_where_the_value_does),
                               TEST(a_batch_reads_several_ranges_of_several_keys), END};
