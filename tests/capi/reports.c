#include <stdio.h>
#include <unistd.h>

#include "harness.h"

static void stat_tells_size_and_place(fixture_t* on) {
  aquifer_object_t* object = NULL;
  CHECK_STATUS(AQUIFER_OK, put_bytes(on, KEY("key"), "value", 5));
  CHECK_STATUS(AQUIFER_OK, aquifer_stat(on->client, KEY("key"), NULL, &object));
  CHECK(aquifer_object_bytes(object) == 5);
  CHECK(aquifer_object_replica_count(object) == 1);
  CHECK(strlen(aquifer_object_replica_node(object, 0)) != 0);
  CHECK(aquifer_object_replica_node(object, 1) == NULL);
  aquifer_object_free(object);
  CHECK_STATUS(AQUIFER_NOT_FOUND, aquifer_stat(on->client, KEY("absent"), NULL, &object));
  CHECK(object == NULL);
}

static void status_tells_of_the_pool_and_its_nodes(fixture_t* on) {
  aquifer_report_t* report = NULL;
  aquifer_pool_status_t pool = {.struct_size = sizeof pool};
  aquifer_node_status_t node = {.struct_size = sizeof node};
  CHECK_STATUS(AQUIFER_OK, put_bytes(on, KEY("key"), "value", 5));
  CHECK_STATUS(AQUIFER_OK, aquifer_status(on->client, NULL, &report));
  CHECK_STATUS(AQUIFER_OK, aquifer_report_pool(report, &pool));
  CHECK(pool.struct_size == sizeof pool && pool.objects == 1 && pool.used_bytes >= 5);
  CHECK(pool.free_bytes + pool.used_bytes + pool.limbo_bytes == pool.capacity_bytes);
  CHECK(aquifer_report_node_count(report) == 1);
  CHECK_STATUS(AQUIFER_OK, aquifer_report_node(report, 0, &node));
  CHECK(strcmp(node.state, "alive") == 0 && strlen(node.name) != 0);
  CHECK(node.process == (uint64_t)getpid() && node.capacity_bytes == pool.capacity_bytes);
  CHECK_STATUS(AQUIFER_INVALID_ARGUMENT, aquifer_report_node(report, 1, &node));
  aquifer_report_free(report);
}

static void a_drain_tells_how_far_it_has_come(fixture_t* on) {
  aquifer_report_t* report = NULL;
  aquifer_node_status_t node = {.struct_size = sizeof node};
  aquifer_drain_t drain = {.struct_size = sizeof drain};
  CHECK_STATUS(AQUIFER_OK, put_bytes(on, KEY("key"), "value", 5));
  CHECK_STATUS(AQUIFER_NOT_FOUND, aquifer_drain(on->client, KEY("absent"), 0, NULL, &drain));
  CHECK_STATUS(AQUIFER_OK, aquifer_status(on->client, NULL, &report));
  CHECK_STATUS(AQUIFER_OK, aquifer_report_node(report, 0, &node));
  CHECK_STATUS(AQUIFER_OK, aquifer_drain(on->client, aquifer_text(node.name), 0, NULL, &drain));
  CHECK(drain.struct_size == sizeof drain && drain.gone == 0 && drain.moved == 0);
  CHECK_STATUS(AQUIFER_OK, aquifer_drain(on->client, aquifer_text(node.name), 1, NULL, NULL));
  aquifer_report_free(report);
}

static void counters_tell_hits_misses_and_bytes(fixture_t* on) {
  aquifer_client_counters_t counters = {.struct_size = sizeof counters};
  char room[5];
  const aquifer_piece_t piece = {room, 5};
  CHECK_STATUS(AQUIFER_OK, put_bytes(on, KEY("key"), "value", 5));
  CHECK_STATUS(AQUIFER_OK, aquifer_get_into(on->client, KEY("key"), &piece, 1, NULL, NULL));
  CHECK_STATUS(AQUIFER_NOT_FOUND,
               aquifer_get_into(on->client, KEY("absent"), &piece, 1, NULL, NULL));
  CHECK_STATUS(AQUIFER_OK, aquifer_counters(on->client, &counters));
  CHECK(counters.hits == 1 && counters.misses == 1 && counters.meta_calls > 0);
  CHECK(counters.read_bytes_shm + counters.read_bytes_tcp == 5);
  CHECK(counters.written_bytes_shm + counters.written_bytes_tcp == 5);
}

static void the_latest_error_is_told_in_words(fixture_t* on) {
  const aquifer_put_options_t nine = {.struct_size = sizeof nine, .replicas = 9};
  const aquifer_const_piece_t piece = {"value", 5};
  aquifer_error_t error = {.struct_size = sizeof error};
  CHECK_STATUS(AQUIFER_OK, aquifer_last_error(on->client, &error));
  CHECK(error.status == AQUIFER_OK && error.message[0] == '\0');
  CHECK_STATUS(AQUIFER_INVALID_ARGUMENT, aquifer_put(on->client, KEY("k"), &piece, 1, &nine));
  CHECK_STATUS(AQUIFER_OK, aquifer_last_error(on->client, &error));
  CHECK(error.status == AQUIFER_INVALID_ARGUMENT && strstr(error.message, "replicas") != NULL);
  /* What the border refuses is told as well, and gives way to what happens later. */
  CHECK_STATUS(AQUIFER_INVALID_ARGUMENT, aquifer_put(on->client, KEY("k"), NULL, 1, NULL));
  CHECK_STATUS(AQUIFER_OK, aquifer_last_error(on->client, &error));
  CHECK(strstr(error.message, "NULL") != NULL && error.hint[0] != '\0');
  CHECK_STATUS(AQUIFER_INVALID_ARGUMENT, aquifer_put(on->client, KEY("k"), &piece, 1, &nine));
  CHECK_STATUS(AQUIFER_OK, aquifer_last_error(on->client, &error));
  CHECK(strstr(error.message, "replicas") != NULL);
}

static void statuses_and_versions_have_names(fixture_t* on) {
  int major = -1, minor = -1, patch = -1;
  (void)on;
  CHECK(strcmp(aquifer_status_name(AQUIFER_NOT_FOUND), "not_found") == 0);
  CHECK(strcmp(aquifer_status_name(AQUIFER_IO), "io") == 0);
  CHECK(strcmp(aquifer_status_name(12345), "unrecognized") == 0);
  CHECK(sscanf(aquifer_version(), "%d.%d.%d", &major, &minor, &patch) == 3 && patch >= 0);
  CHECK(aquifer_protocol_version() >= 1);
  CHECK(aquifer_text("four").size == 4);
  CHECK(aquifer_text(NULL).size == 0 && aquifer_text(NULL).data == NULL);
}

const test_t reports_tests[] = {TEST(stat_tells_size_and_place),
                                TEST(status_tells_of_the_pool_and_its_nodes),
                                TEST(a_drain_tells_how_far_it_has_come),
                                TEST(counters_tell_hits_misses_and_bytes),
                                TEST(the_latest_error_is_told_in_words),
                                TEST(statuses_and_versions_have_names),
                                END};
