/* What lives how long, in threads and in forked children. */
#define _POSIX_C_SOURCE 200809L
#include <pthread.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"

static void a_closed_client_answers_closed(fixture_t* on) {
  CHECK_STATUS(AQUIFER_OK, put_bytes(on, KEY("key"), "value", 5));
  aquifer_client_close(on->client);
  aquifer_client_close(on->client);
  CHECK_STATUS(AQUIFER_CLOSED, put_bytes(on, KEY("other"), "value", 5));
  CHECK_STATUS(AQUIFER_CLOSED, aquifer_exists(on->client, KEY("key"), NULL));
}

static void a_client_outlives_its_pool(fixture_t* on) {
  const aquifer_call_options_t soon = {.struct_size = sizeof soon, .timeout_ms = 300};
  CHECK_STATUS(AQUIFER_OK, put_bytes(on, KEY("key"), "value", 5));
  aquifer_pool_close(on->pool);
  aquifer_pool_close(on->pool);
  aquifer_pool_free(on->pool);
  on->pool = NULL;
  const aquifer_status_t status = aquifer_exists(on->client, KEY("key"), &soon);
  CHECK(status == AQUIFER_UNREACHABLE || status == AQUIFER_TIMEOUT);
}

static void a_client_joins_a_pool_by_its_address(fixture_t* on) {
  const aquifer_client_options_t options = {
      .struct_size = sizeof options,
      .meta = aquifer_text(aquifer_pool_meta_address(on->pool)),
      .copy_threads = 2,
      .tcp_streams = 1,
      .timeout_ms = 2000,
      .cached_handles = AQUIFER_NO_CACHED_HANDLES};
  fixture_t other = {NULL, NULL};
  CHECK_STATUS(AQUIFER_OK, aquifer_client_open(&options, &other.client, NULL));
  CHECK_STATUS(AQUIFER_OK, put_bytes(&other, KEY("key"), "value", 5));
  check_value(on, KEY("key"), "value", 5);
  aquifer_client_free(other.client);
}

static void an_absent_meta_is_no_error_until_a_call(fixture_t* on) {
  const aquifer_client_options_t options = {
      .struct_size = sizeof options, .meta = KEY("tcp://127.0.0.1:1"), .timeout_ms = 200};
  aquifer_error_t error = {.struct_size = sizeof error};
  fixture_t alone = {NULL, NULL};
  (void)on;
  CHECK_STATUS(AQUIFER_OK, aquifer_client_open(&options, &alone.client, &error));
  CHECK(error.status == AQUIFER_OK);
  CHECK_STATUS(AQUIFER_UNREACHABLE, put_bytes(&alone, KEY("key"), "value", 5));
  CHECK_STATUS(AQUIFER_OK, aquifer_last_error(alone.client, &error));
  CHECK(error.status == AQUIFER_UNREACHABLE && error.message[0] != '\0');
  aquifer_client_free(alone.client);
}

static void* work(void* argument) {
  fixture_t* on = argument;
  aquifer_error_t error = {.struct_size = sizeof error};
  for (unsigned i = 0; i < 200; ++i) {
    char key[16];
    char value[64];
    const int size = snprintf(value, sizeof value, "value of key %u", i % 20);
    snprintf(key, sizeof key, "key %u", i % 20);
    const aquifer_status_t put = put_bytes(on, aquifer_text(key), value, (size_t)size);
    CHECK(put == AQUIFER_OK || put == AQUIFER_EXISTS);
    check_value(on, aquifer_text(key), value, (size_t)size);
    CHECK_STATUS(AQUIFER_INVALID_ARGUMENT, aquifer_put(on->client, KEY(""), NULL, 1, NULL));
    CHECK_STATUS(AQUIFER_OK, aquifer_last_error(on->client, &error));
    CHECK(error.status == AQUIFER_INVALID_ARGUMENT);
  }
  return NULL;
}

static void threads_share_a_client_and_its_errors(fixture_t* on) {
  pthread_t threads[4];
  for (size_t i = 0; i < 4; ++i) {
    CHECK(pthread_create(&threads[i], NULL, work, on) == 0);
  }
  for (size_t i = 0; i < 4; ++i) {
    CHECK(pthread_join(threads[i], NULL) == 0);
  }
}

/* The child's exit status is 0 when all was as it should be. */
static int child(fixture_t* on) {
  const aquifer_call_options_t wrong = {.struct_size = 1};
  aquifer_error_t error = {.struct_size = sizeof error};
  if (aquifer_exists(on->client, KEY("key"), NULL) != AQUIFER_CLOSED) return 1;
  if (aquifer_last_error(on->client, &error) != AQUIFER_OK) return 2;
  if (error.status != AQUIFER_CLOSED || strstr(error.message, "fork") == NULL) return 3;
  if (aquifer_remove(on->client, KEY("key"), &wrong) != AQUIFER_INVALID_ARGUMENT) return 4;
  aquifer_client_free(on->client);

  const aquifer_client_options_t options = {
      .struct_size = sizeof options, .meta = aquifer_text(aquifer_pool_meta_address(on->pool))};
  fixture_t own = {NULL, NULL};
  void* value = NULL;
  uint64_t bytes = 0;
  if (aquifer_client_open(&options, &own.client, NULL) != AQUIFER_OK) return 5;
  if (aquifer_get(own.client, KEY("key"), NULL, &value, &bytes) != AQUIFER_OK) return 6;
  if (bytes != 5 || memcmp(value, "value", 5) != 0) return 7;
  aquifer_free(value);
  aquifer_client_free(own.client);
  return 0;
}

static void a_forked_child_opens_a_client_of_its_own(fixture_t* on) {
  CHECK_STATUS(AQUIFER_OK, put_bytes(on, KEY("key"), "value", 5));
  const pid_t pid = fork();
  if (pid == 0) {
    _exit(child(on));
  }
  int status = -1;
  CHECK(waitpid(pid, &status, 0) == pid);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
  check_value(on, KEY("key"), "value", 5);
}

const test_t lives_tests[] = {TEST(a_closed_client_answers_closed),
                              TEST(a_client_outlives_its_pool),
                              TEST(a_client_joins_a_pool_by_its_address),
                              TEST(an_absent_meta_is_no_error_until_a_call),
                              TEST(threads_share_a_client_and_its_errors),
                              TEST(a_forked_child_opens_a_client_of_its_own),
                              END};
