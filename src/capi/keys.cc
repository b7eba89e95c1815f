// Calls about keys: are they there, how large are they, remove them, keep them.
#include "capi/batch.h"

using namespace aquifer;
using namespace aquifer::capi;

namespace {

// One call about many keys; `run` is given the client, the keys and the options.
template <class Answer, class Out, class Run>
aquifer_status_t run_keys(aquifer_client_t* client, const aquifer_text_t* keys, std::size_t count,
                          const aquifer_call_options_t* options, Out* out, Run run) noexcept {
  return run_batch(client, keys, count, out, [&]() -> Answers<Answer> {
    const auto call = read(options);
    if (call.refused != nullptr) {
      return {.refused = call.refused};
    }
    const auto batch = keys_of(keys, count);
    return {run(client->client, batch.items, call.value), nullptr, batch.null_bytes};
  });
}

using Keys = std::vector<std::string_view>;

}  // namespace

aquifer_status_t aquifer_exists(aquifer_client_t* client, aquifer_text_t key,
                                const aquifer_call_options_t* options) {
  aquifer_status_t status = AQUIFER_OK;
  aquifer_exists_batch(client, &key, 1, options, &status);
  return status;
}

aquifer_status_t aquifer_exists_batch(aquifer_client_t* client, const aquifer_text_t* keys,
                                      std::size_t count, const aquifer_call_options_t* options,
                                      aquifer_status_t* statuses) {
  return run_keys<Status>(client, keys, count, options, statuses,
                          [](Client& from, const Keys& all, const CallOptions& call) {
                            return from.exists_batch(all, call);
                          });
}

aquifer_status_t aquifer_locate_batch(aquifer_client_t* client, const aquifer_text_t* keys,
                                      std::size_t count, const aquifer_call_options_t* options,
                                      aquifer_get_outcome_t* outcomes) {
  return run_keys<GetOutcome>(client, keys, count, options, outcomes,
                              [](Client& from, const Keys& all, const CallOptions& call) {
                                return from.locate_batch(all, call);
                              });
}

aquifer_status_t aquifer_match_prefix(aquifer_client_t* client, const aquifer_text_t* keys,
                                      std::size_t count, const aquifer_call_options_t* options,
                                      std::size_t* matched) {
  if (matched != nullptr) {
    *matched = 0;
  }
  return guard(client, [&] {
    const auto call = read(options);
    if (call.refused != nullptr) {
      return client->refuse(*call.refused);
    }
    if (const Refusal* refused = check_arrays(keys, count, matched)) {
      return client->refuse(*refused);
    }
    const auto batch = keys_of(keys, count);
    if (batch.null_bytes) {
      return client->refuse(kNullBytes);
    }
    if (count != 0) {
      *matched = client->client.match_prefix(batch.items, call.value);
    }
    return static_cast<aquifer_status_t>(AQUIFER_OK);
  });
}

aquifer_status_t aquifer_remove(aquifer_client_t* client, aquifer_text_t key,
                                const aquifer_call_options_t* options) {
  aquifer_status_t status = AQUIFER_OK;
  aquifer_remove_batch(client, &key, 1, options, &status);
  return status;
}

aquifer_status_t aquifer_remove_batch(aquifer_client_t* client, const aquifer_text_t* keys,
                                      std::size_t count, const aquifer_call_options_t* options,
                                      aquifer_status_t* statuses) {
  return run_keys<Status>(client, keys, count, options, statuses,
                          [](Client& from, const Keys& all, const CallOptions& call) {
                            return from.remove_batch(all, call);
                          });
}

aquifer_status_t aquifer_pin(aquifer_client_t* client, aquifer_text_t key, std::uint32_t ttl_ms,
                             const aquifer_call_options_t* options) {
  aquifer_status_t status = AQUIFER_OK;
  aquifer_pin_batch(client, &key, 1, ttl_ms, options, &status);
  return status;
}

aquifer_status_t aquifer_pin_batch(aquifer_client_t* client, const aquifer_text_t* keys,
                                   std::size_t count, std::uint32_t ttl_ms,
                                   const aquifer_call_options_t* options,
                                   aquifer_status_t* statuses) {
  return run_keys<Status>(client, keys, count, options, statuses,
                          [&](Client& from, const Keys& all, const CallOptions& call) {
                            return from.pin_batch(all, std::chrono::milliseconds(ttl_ms), call);
                          });
}

aquifer_status_t aquifer_remove_prefix(aquifer_client_t* client, aquifer_text_t prefix,
                                       const aquifer_call_options_t* options,
                                       std::uint64_t* removed) {
  std::uint64_t count = 0;
  const aquifer_status_t status = guard(client, [&] {
    const auto call = read(options);
    if (call.refused != nullptr) {
      return client->refuse(*call.refused);
    }
    if (!is_text(prefix)) {
      return client->refuse(kNullBytes);
    }
    const auto answer = client->client.remove_prefix(view_of(prefix), call.value);
    count = answer ? *answer : 0;
    return client->answered(answer.code());
  });
  if (removed != nullptr) {
    *removed = count;
  }
  return status;
}
