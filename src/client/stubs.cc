// What is declared and still to be built.
#include "client/session.h"

namespace aquifer::client {

class ViewState {};
class OpenObject {};

namespace {

Error not_yet() { return {Status::kNotSupported, "not supported by this version", {}}; }

}  // namespace

std::vector<Result<PendingPut>> Session::open_puts(std::span<const OpenItem> items,
                                                   const PutOptions&, std::chrono::milliseconds,
                                                   const Call&) {
  std::vector<Result<PendingPut>> all;
  for (std::size_t i = 0; i < items.size(); ++i) all.emplace_back(not_yet());
  return all;
}

std::vector<GetOutcome> Session::get_ranges(std::span<const RangeItem> items, const Call&) {
  return std::vector<GetOutcome>(items.size(), GetOutcome{Status::kNotSupported, 0});
}

std::vector<Result<View>> Session::views(std::span<const std::string_view> keys, const Call&) {
  std::vector<Result<View>> all;
  for (std::size_t i = 0; i < keys.size(); ++i) all.emplace_back(not_yet());
  return all;
}

std::vector<Status> Session::pin(std::span<const std::string_view> keys, std::chrono::milliseconds,
                                 const Call&) {
  return std::vector<Status>(keys.size(), Status::kNotSupported);
}

Result<ListPage> Session::list(std::string_view, std::string_view, std::size_t, const Call&) {
  return not_yet();
}

Result<std::uint64_t> Session::remove_prefix(std::string_view, const Call&) { return not_yet(); }

}  // namespace aquifer::client

namespace aquifer {

View::View(std::unique_ptr<client::ViewState> state) : state_(std::move(state)) {}
View::View(View&&) noexcept = default;
View& View::operator=(View&&) noexcept = default;
View::~View() = default;
std::span<const ConstPiece> View::pieces() const { return {}; }
std::uint64_t View::bytes() const { return 0; }
bool View::is_copy() const { return false; }
Status View::verify() const { return Status::kNotSupported; }
void View::release() {}

PendingPut::PendingPut(std::shared_ptr<client::OpenObject> object) : object_(std::move(object)) {}
PendingPut::PendingPut(PendingPut&&) noexcept = default;
PendingPut& PendingPut::operator=(PendingPut&&) noexcept = default;
PendingPut::~PendingPut() = default;
std::uint64_t PendingPut::bytes() const { return 0; }
Status PendingPut::write(std::uint64_t, std::span<const ConstPiece>, std::chrono::milliseconds) {
  return Status::kNotSupported;
}
Status PendingPut::write(std::uint64_t, const void*, std::size_t, std::chrono::milliseconds) {
  return Status::kNotSupported;
}
Status PendingPut::commit(std::chrono::milliseconds) { return Status::kNotSupported; }
void PendingPut::abort() {}

}  // namespace aquifer
