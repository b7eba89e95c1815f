// Pages of keys.
#include "capi/answer.h"

using namespace aquifer;
using namespace aquifer::capi;

namespace {

constexpr std::size_t kEntries = 1000;

}  // namespace

aquifer_status_t aquifer_list(aquifer_client_t* client, aquifer_text_t prefix,
                              aquifer_text_t cursor, std::size_t entries_max,
                              const aquifer_call_options_t* options, aquifer_page_t** page) {
  if (client != nullptr && (!is_text(prefix) || !is_text(cursor))) {
    return refuse_answer(*client, kNullBytes, page);
  }
  return run_answer(client, options, page, [&](const CallOptions& call) {
    return client->client.list(view_of(prefix), view_of(cursor),
                               entries_max == 0 ? kEntries : entries_max, call);
  });
}

std::size_t aquifer_page_count(const aquifer_page_t* page) {
  return page == nullptr ? 0 : page->page.entries.size();
}

aquifer_status_t aquifer_page_entry(const aquifer_page_t* page, std::size_t index,
                                    aquifer_text_t* key, std::uint64_t* bytes) {
  if (index >= aquifer_page_count(page)) {
    return AQUIFER_INVALID_ARGUMENT;
  }
  const ListEntry& entry = page->page.entries[index];
  if (key != nullptr) {
    *key = text_of(entry.key);
  }
  if (bytes != nullptr) {
    *bytes = entry.bytes;
  }
  return AQUIFER_OK;
}

aquifer_text_t aquifer_page_cursor(const aquifer_page_t* page) {
  return page == nullptr ? aquifer_text_t{} : text_of(page->page.cursor);
}

void aquifer_page_free(aquifer_page_t* page) { delete page; }
