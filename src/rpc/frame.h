// Frames: a fixed header in front of every message, with a digest over header and payload, so that
// a damaged or foreign stream ends the connection and is never acted on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "aquifer/types.h"
#include "aquifer/version.h"
#include "rpc/codec.h"

namespace aquifer::rpc {

inline constexpr std::uint32_t kFrameMagic = 0x46515141;  // "AQQF"
inline constexpr std::uint32_t kFrameBytesMax = 32u << 20;
inline constexpr std::uint16_t kFlagReply = 1;

struct FrameHeader {
  std::uint32_t magic = kFrameMagic;
  std::uint16_t version = kProtocolVersion;
  std::uint16_t method = 0;
  std::uint16_t flags = 0;
  std::uint16_t status = 0;  ///< replies: a Status; when not 0 the payload is {message, hint}
  std::uint32_t length = 0;  ///< bytes of payload
  std::uint64_t id = 0;      ///< pairs a reply with its request
  std::uint64_t digest = 0;  ///< of the fields above and the payload
};
static_assert(sizeof(FrameHeader) == 32 && offsetof(FrameHeader, digest) == 24);

using Buffer = std::vector<char>;

/// The payload of a reply that failed.
struct ErrorMessage {
  std::string_view message;
  std::string_view hint;
  static constexpr auto wire = std::tuple{&ErrorMessage::message, &ErrorMessage::hint};
};

/// Fills in length and digest of a frame whose payload lies behind its header at `frame_at`.
void seal_frame(Buffer& out, std::size_t frame_at, FrameHeader header);

/// Appends a frame.
template <Message T>
void append_frame(Buffer& out, FrameHeader header, const T& payload) {
  const std::size_t at = out.size();
  out.resize(at + sizeof header + encoded_bytes(payload));
  Writer(out.data() + at + sizeof header).put(payload);
  seal_frame(out, at, header);
}

/// Appends a frame whose payload is a message of one list, item by item as they are made, so that
/// nothing has to be gathered first. Nothing else is appended between the first and end().
class ListFrame {
 public:
  ListFrame(Buffer& out, const FrameHeader& header) : out_(out), at_(out.size()), header_(header) {
    out_.resize(at_ + sizeof header + kSizeAndCount);
  }
  template <Message T>
  void add(const T& item) {
    const std::size_t at = out_.size();
    out_.resize(at + encoded_bytes(item));
    Writer(out_.data() + at).put(item);
    ++count_;
  }
  void end();

 private:
  static constexpr std::size_t kSizeAndCount = 8;
  Buffer& out_;
  const std::size_t at_;
  const FrameHeader header_;
  std::uint32_t count_ = 0;
};

struct Frame {
  FrameHeader header;
  std::string_view payload;  ///< into the buffer it was read from
};

enum class FrameState : std::uint8_t { kWhole, kNeedsMore, kBroken, kOtherVersion };

/// Looks for a frame at the front of `bytes`. kWhole fills `frame`; kOtherVersion fills its header.
FrameState read_frame(std::string_view bytes, Frame& frame);

/// Bytes that the frame at the front of `bytes` needs in all (at least a header).
std::size_t frame_bytes_wanted(std::string_view bytes);

}  // namespace aquifer::rpc
