// Names and versions, and the proof that the numbers of C are those of C++.
#include <cstring>

#include "aquifer/aquifer.h"
#include "aquifer/pending_put.h"
#include "aquifer/types.h"
#include "aquifer/version.h"

using namespace aquifer;

namespace {

constexpr bool is(int number, Status status) { return number == static_cast<int>(status); }

static_assert(is(AQUIFER_OK, Status::kOk) && is(AQUIFER_EXISTS, Status::kExists));
static_assert(is(AQUIFER_NOT_FOUND, Status::kNotFound) && is(AQUIFER_BUSY, Status::kBusy));
static_assert(is(AQUIFER_TIMEOUT, Status::kTimeout) && is(AQUIFER_UNKNOWN, Status::kUnknown));
static_assert(is(AQUIFER_RECOVERING, Status::kRecovering));
static_assert(is(AQUIFER_PENDING, Status::kPending) && is(AQUIFER_IN_FLIGHT, Status::kInFlight));
static_assert(is(AQUIFER_UNREACHABLE, Status::kUnreachable));
static_assert(is(AQUIFER_NO_SPACE, Status::kNoSpace) && is(AQUIFER_CLOSED, Status::kClosed));
static_assert(is(AQUIFER_INVALID_ARGUMENT, Status::kInvalidArgument));
static_assert(is(AQUIFER_TOO_LARGE, Status::kTooLarge) && is(AQUIFER_TOO_SMALL, Status::kTooSmall));
static_assert(is(AQUIFER_NOT_SUPPORTED, Status::kNotSupported));
static_assert(is(AQUIFER_VERSION_MISMATCH, Status::kVersionMismatch));
static_assert(is(AQUIFER_CONFLICT, Status::kConflict) && is(AQUIFER_DENIED, Status::kDenied));
static_assert(is(AQUIFER_CANCELLED, Status::kCancelled));
static_assert(is(AQUIFER_INTEGRITY, Status::kIntegrity) && is(AQUIFER_INTERNAL, Status::kInternal));
static_assert(is(AQUIFER_IO, Status::kIo));

static_assert(AQUIFER_KEY_BYTES == Limits::kKeyBytes);
static_assert(AQUIFER_NAMESPACE_BYTES == Limits::kNamespaceBytes);
static_assert(AQUIFER_VALUE_BYTES == Limits::kValueBytes);
static_assert(AQUIFER_BATCH_KEYS == Limits::kBatchKeys);
static_assert(AQUIFER_PIECES == Limits::kPieces && AQUIFER_REPLICAS == Limits::kReplicas);
static_assert(AQUIFER_LIST_ENTRIES == Limits::kListEntries);
static_assert(std::chrono::milliseconds(AQUIFER_PIN_TTL_MS) == Limits::kPinTtl);
static_assert(std::chrono::milliseconds(AQUIFER_OPEN_PUT_TTL_MS) == Limits::kOpenPutTtl);

static_assert(AQUIFER_PUT_KEEP == static_cast<int>(PutMode::kKeep));
static_assert(AQUIFER_PUT_IF_ABSENT == static_cast<int>(PutMode::kIfAbsent));
static_assert(AQUIFER_PUT_REPLACE == static_cast<int>(PutMode::kReplace));
static_assert(AQUIFER_TRANSPORT_AUTO == static_cast<int>(Transport::kAuto));
static_assert(AQUIFER_TRANSPORT_SHM == static_cast<int>(Transport::kShm));
static_assert(AQUIFER_TRANSPORT_TCP == static_cast<int>(Transport::kTcp));

}  // namespace

// Both texts are literals, and so end with a zero.
const char* aquifer_status_name(aquifer_status_t status) {
  return name_of(static_cast<Status>(status)).data();
}
const char* aquifer_version() { return version().data(); }

std::uint32_t aquifer_protocol_version() { return kProtocolVersion; }

aquifer_text_t aquifer_text(const char* string) {
  return {string, string == nullptr ? 0 : std::strlen(string)};
}
