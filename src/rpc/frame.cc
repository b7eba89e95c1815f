#include "rpc/frame.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"
#include "memory/digest.h"

namespace aquifer::rpc {
namespace {

std::uint64_t digest_of(const FrameHeader& header, const char* payload) {
  const auto state = memory::digest(kFrameMagic, &header, offsetof(FrameHeader, digest));
  return memory::digest(state, payload, header.length);
}

}  // namespace

void seal_frame(Buffer& out, std::size_t frame_at, FrameHeader header) {
  const std::size_t payload_bytes = out.size() - frame_at - sizeof header;
  AQ_CHECK(payload_bytes <= kFrameBytesMax);
  header.length = static_cast<std::uint32_t>(payload_bytes);
  header.digest = digest_of(header, out.data() + frame_at + sizeof header);
  std::memcpy(out.data() + frame_at, &header, sizeof header);
}

void ListFrame::end() {
  char* const payload = out_.data() + at_ + sizeof header_;
  const auto bytes = static_cast<std::uint32_t>(out_.data() + out_.size() - payload - 4);
  std::memcpy(payload, &bytes, 4);
  std::memcpy(payload + 4, &count_, 4);
  seal_frame(out_, at_, header_);
}

std::size_t frame_bytes_wanted(std::string_view bytes) {
  FrameHeader header;
  if (bytes.size() < sizeof header) {
    return sizeof header;
  }
  std::memcpy(&header, bytes.data(), sizeof header);
  return sizeof header + std::min(header.length, kFrameBytesMax);
}

FrameState read_frame(std::string_view bytes, Frame& frame) {
  FrameHeader& header = frame.header;
  if (bytes.size() < sizeof header) {
    return FrameState::kNeedsMore;
  }
  std::memcpy(&header, bytes.data(), sizeof header);
  if (header.magic != kFrameMagic) {
    return FrameState::kBroken;
  }
  if (header.version != kProtocolVersion) {
    return FrameState::kOtherVersion;
  }
  if (header.length > kFrameBytesMax) {
    return FrameState::kBroken;
  }
  if (bytes.size() - sizeof header < header.length) {
    return FrameState::kNeedsMore;
  }
  frame.payload = bytes.substr(sizeof header, header.length);
  return digest_of(header, frame.payload.data()) == header.digest ? FrameState::kWhole
                                                                  : FrameState::kBroken;
}

}  // namespace aquifer::rpc
