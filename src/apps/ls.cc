#include <unistd.h>

#include <algorithm>
#include <optional>

#include "apps/client_flags.h"
#include "apps/commands.h"
#include "apps/exit_code.h"
#include "apps/render.h"

namespace aquifer::apps {
namespace {

constexpr std::size_t kPageEntries = 1000;

/// What has been listed so far goes out page by page: nothing of it is kept.
class Listing {
 public:
  explicit Listing(bool json) : json_(json) {}

  bool has_begun() const { return begun_; }

  Result<void> add(const ListPage& page) {
    const bool is_first = !begun_ || listed_ == 0;
    std::string text = json_ ? begin() + listing_json_entries(page, is_first) : listing_text(page);
    begun_ = true;
    listed_ += page.entries.size();
    return write_all(STDOUT_FILENO, text);
  }

  Result<void> end(const Error* error) {
    return json_ ? write_all(STDOUT_FILENO, listing_json_end(error)) : Result<void>();
  }

  std::uint64_t listed() const { return listed_; }

 private:
  std::string begin() const { return begun_ ? "" : listing_json_begin(); }

  bool json_;
  bool begun_ = false;
  std::uint64_t listed_ = 0;
};

/// All pages up to the limit. An error of the pool is for the caller to report.
Result<void> list_all(Client& client, const std::string& prefix, std::uint64_t limit,
                      Listing& listing) {
  std::string cursor;
  do {
    const std::uint64_t left = limit == 0 ? kPageEntries : limit - listing.listed();
    auto page = client.list(prefix, cursor, std::min<std::uint64_t>(kPageEntries, left));
    if (!page) return page.error();
    if (auto written = listing.add(*page); !written) return written;
    cursor = page->cursor;
  } while (!cursor.empty() && (limit == 0 || listing.listed() < limit) &&
           !reader_has_left(STDOUT_FILENO));
  return {};
}

}  // namespace

int run_ls(Arguments arguments, const base::Environment& environment) {
  ClientCommand command("ls", "Lists the keys of a namespace and their sizes, in no order.");
  std::string prefix;
  std::uint64_t limit = 0;
  command.options()
      .optional_argument("PREFIX", prefix, "only keys that begin with this")
      .integer("limit", limit, "list at most so many; 0 lists all");
  if (const auto ended = command.begin(arguments, environment)) return *ended;
  Listing listing(command.flags().json);
  const auto listed = list_all(command.client(), prefix, limit, listing);
  if (!listed && !(listing.has_begun() && command.flags().json))
    return command.fail(listed.error());
  const auto written = listing.end(listed ? nullptr : &listed.error());
  if (!written) return command.report().fail(written.error());
  if (listed) return ExitCode::kDone;
  const int code = exit_code_of(listed.error().code);
  return code == ExitCode::kDone ? ExitCode::kFailed : code;
}

}  // namespace aquifer::apps
