#include "pool/object.h"

#include <cstring>

#include "base/check.h"
#include "memory/digest.h"

namespace aquifer::pool {
namespace {

constexpr std::uint32_t kMagic = 0x4f515141;  // "AQQO"
constexpr std::uint16_t kVersion = 1;

struct HeaderFixed {
  std::uint32_t magic;
  std::uint16_t version;
  std::uint16_t name_space_bytes;
  std::uint32_t header_bytes;
  std::uint32_t page_bytes;
  std::uint64_t value_bytes;
  base::PutId put;
  base::SegmentId segment;
  std::uint64_t generation;
  std::uint32_t slot;
  std::uint16_t key_bytes;
  std::uint16_t reserved;
};
static_assert(sizeof(HeaderFixed) == kHeaderStart && std::is_trivially_copyable_v<HeaderFixed>);

constexpr std::size_t round_up(std::size_t value, std::size_t to) {
  return (value + to - 1) / to * to;
}

constexpr std::size_t digests_offset(std::size_t name_space_bytes, std::size_t key_bytes) {
  return round_up(sizeof(HeaderFixed) + name_space_bytes + key_bytes, 8);
}

std::uint64_t mix(std::uint64_t value) {
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9u;
  value = (value ^ (value >> 27)) * 0x94d049bb133111ebu;
  return value ^ (value >> 31);
}

HeaderFixed fixed_of(const ObjectIdentity& identity, std::uint32_t bytes) {
  HeaderFixed fixed{};
  fixed.magic = kMagic;
  fixed.version = kVersion;
  fixed.name_space_bytes = static_cast<std::uint16_t>(identity.name_space.size());
  fixed.header_bytes = bytes;
  fixed.page_bytes = kPageBytes;
  fixed.value_bytes = identity.value_bytes;
  fixed.put = identity.put;
  fixed.segment = identity.segment;
  fixed.generation = identity.generation;
  fixed.slot = identity.slot;
  fixed.key_bytes = static_cast<std::uint16_t>(identity.key.size());
  return fixed;
}

// The digests of a header whose sizes have been checked.
void take_digests(std::span<const std::byte> header, const HeaderFixed& fixed,
                  std::vector<std::uint64_t>& page_digests) {
  page_digests.resize(page_count(fixed.value_bytes));
  std::memcpy(page_digests.data(),
              header.data() + digests_offset(fixed.name_space_bytes, fixed.key_bytes),
              page_digests.size() * sizeof(std::uint64_t));
}

}  // namespace

std::uint32_t header_bytes(std::size_t name_space_bytes, std::size_t key_bytes,
                           std::uint64_t value_bytes) {
  const std::size_t digests = page_count(value_bytes) * sizeof(std::uint64_t);
  return static_cast<std::uint32_t>(
      round_up(digests_offset(name_space_bytes, key_bytes) + digests, 64));
}

std::uint32_t header_bytes_in(std::span<const std::byte> start) {
  HeaderFixed fixed;
  if (start.size() < sizeof fixed) {
    return 0;
  }
  std::memcpy(&fixed, start.data(), sizeof fixed);
  return fixed.magic == kMagic && fixed.version == kVersion ? fixed.header_bytes : 0;
}

std::uint64_t page_seed(const base::PutId& put, std::uint64_t page) {
  return mix(put.sequence * 0x9e3779b97f4a7c15u +
             mix(put.epoch + (page + 1) * 0xd1342543de82ef95u));
}

std::uint64_t header_seed(const base::PutId& put) { return ~page_seed(put, ~std::uint64_t{0}); }

std::vector<std::byte> encode_header(const ObjectIdentity& identity,
                                     std::span<const std::uint64_t> page_digests) {
  AQ_CHECK(page_digests.size() == page_count(identity.value_bytes));
  const auto bytes =
      header_bytes(identity.name_space.size(), identity.key.size(), identity.value_bytes);
  std::vector<std::byte> header(bytes);
  const HeaderFixed fixed = fixed_of(identity, bytes);
  std::byte* at = header.data();
  std::memcpy(at, &fixed, sizeof fixed);
  at += sizeof fixed;
  std::memcpy(at, identity.name_space.data(), identity.name_space.size());
  std::memcpy(at + identity.name_space.size(), identity.key.data(), identity.key.size());
  std::memcpy(header.data() + digests_offset(identity.name_space.size(), identity.key.size()),
              page_digests.data(), page_digests.size_bytes());
  return header;
}

std::uint64_t digest_of_header(const base::PutId& put, std::span<const std::byte> header) {
  return memory::digest(header_seed(put), header.data(), header.size());
}

bool check_header(std::span<const std::byte> header, const ObjectIdentity& expected,
                  std::uint64_t digest, std::vector<std::uint64_t>& page_digests) {
  const auto bytes =
      header_bytes(expected.name_space.size(), expected.key.size(), expected.value_bytes);
  if (header.size() != bytes || digest_of_header(expected.put, header) != digest) {
    return false;
  }
  const HeaderFixed wanted = fixed_of(expected, bytes);
  const auto* names = reinterpret_cast<const char*>(header.data()) + sizeof(HeaderFixed);
  if (std::memcmp(header.data(), &wanted, sizeof wanted) != 0 ||
      std::string_view(names, expected.name_space.size()) != expected.name_space ||
      std::string_view(names + expected.name_space.size(), expected.key.size()) != expected.key) {
    return false;
  }
  take_digests(header, wanted, page_digests);
  return true;
}

bool check_header_unnamed(std::span<const std::byte> header, const ObjectIdentity& expected,
                          std::uint64_t digest, std::vector<std::uint64_t>& page_digests) {
  HeaderFixed fixed;
  if (header.size() < sizeof fixed || digest_of_header(expected.put, header) != digest) {
    return false;
  }
  std::memcpy(&fixed, header.data(), sizeof fixed);
  if (fixed.magic != kMagic || fixed.version != kVersion || fixed.page_bytes != kPageBytes ||
      fixed.put != expected.put || fixed.segment != expected.segment ||
      fixed.slot != expected.slot || fixed.generation != expected.generation ||
      fixed.value_bytes != expected.value_bytes ||
      header_bytes(fixed.name_space_bytes, fixed.key_bytes, fixed.value_bytes) != header.size()) {
    return false;
  }
  take_digests(header, fixed, page_digests);
  return true;
}

HeaderNames names_in_header(std::span<const std::byte> header) {
  HeaderFixed fixed;
  std::memcpy(&fixed, header.data(), sizeof fixed);
  const auto* names = reinterpret_cast<const char*>(header.data()) + sizeof fixed;
  return {{names, fixed.name_space_bytes}, {names + fixed.name_space_bytes, fixed.key_bytes}};
}

}  // namespace aquifer::pool
