#include <stdio.h>

#include "harness.h"

enum { kKeys = 25 };

static void put_numbered(fixture_t* on) {
  for (int i = 0; i < kKeys; ++i) {
    char key[16];
    snprintf(key, sizeof key, "p/%d", i);
    CHECK_STATUS(AQUIFER_OK, put_bytes(on, aquifer_text(key), "0123456789", (size_t)(1 + i % 10)));
  }
  CHECK_STATUS(AQUIFER_OK, put_bytes(on, KEY("q"), "x", 1));
}

/* Counts each key of the page that begins with "p/", and checks its size. */
static void count(const aquifer_page_t* page, int seen[kKeys]) {
  for (size_t i = 0; i < aquifer_page_count(page); ++i) {
    aquifer_text_t key;
    uint64_t bytes = 0;
    char text[16] = {0};
    int number = -1;
    CHECK_STATUS(AQUIFER_OK, aquifer_page_entry(page, i, &key, &bytes));
    CHECK(key.size < sizeof text);
    memcpy(text, key.data, key.size);
    CHECK(sscanf(text, "p/%d", &number) == 1 && number >= 0 && number < kKeys);
    CHECK(bytes == (uint64_t)(1 + number % 10));
    ++seen[number];
  }
}

static void pages_name_each_key_of_a_prefix_once(fixture_t* on) {
  int seen[kKeys] = {0};
  char cursor[4096];
  aquifer_text_t from = {NULL, 0};
  put_numbered(on);
  do {
    aquifer_page_t* page = NULL;
    CHECK_STATUS(AQUIFER_OK, aquifer_list(on->client, KEY("p/"), from, 10, NULL, &page));
    CHECK(aquifer_page_count(page) <= 10);
    count(page, seen);
    from = aquifer_page_cursor(page);
    CHECK(from.size <= sizeof cursor);
    memcpy(cursor, from.data, from.size);
    from.data = cursor;
    aquifer_page_free(page);
  } while (from.size != 0);
  for (int i = 0; i < kKeys; ++i) {
    CHECK(seen[i] == 1);
  }
}

static void an_index_behind_the_page_is_an_invalid_argument(fixture_t* on) {
  aquifer_page_t* page = NULL;
  put_numbered(on);
  CHECK_STATUS(AQUIFER_OK, aquifer_list(on->client, KEY(""), KEY(""), 0, NULL, &page));
  CHECK(aquifer_page_count(page) == kKeys + 1);
  CHECK_STATUS(AQUIFER_OK, aquifer_page_entry(page, kKeys, NULL, NULL));
  CHECK_STATUS(AQUIFER_INVALID_ARGUMENT, aquifer_page_entry(page, kKeys + 1, NULL, NULL));
  aquifer_page_free(page);
}

const test_t listings_tests[] = {TEST(pages_name_each_key_of_a_prefix_once),
                                 TEST(an_index_behind_the_page_is_an_invalid_argument), END};
