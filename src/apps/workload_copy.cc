#include "apps/workload_copy.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace aquifer::apps {
namespace {

void copy_memcpy(std::byte* to, const std::byte* from, std::size_t bytes) {
  std::memcpy(to, from, bytes);
}

#if defined(__x86_64__)

constexpr std::size_t kLine = 64;

/// Copies up to the next cache line of the destination, which non-temporal stores need; the count
/// of bytes copied.
std::size_t copy_head(std::byte* to, const std::byte* from, std::size_t bytes) {
  const std::size_t past = reinterpret_cast<std::uintptr_t>(to) % kLine;
  const std::size_t head = past == 0 ? 0 : std::min(bytes, kLine - past);
  std::memcpy(to, from, head);
  return head;
}

void copy_rep_movsb(std::byte* to, const std::byte* from, std::size_t bytes) {
  asm volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(bytes) : : "memory");
}

void copy_nt_sse2(std::byte* to, const std::byte* from, std::size_t bytes) {
  std::size_t at = copy_head(to, from, bytes);
  for (; at + kLine <= bytes; at += kLine) {
    const auto* in = reinterpret_cast<const __m128i*>(from + at);
    auto* out = reinterpret_cast<__m128i*>(to + at);
    const __m128i a = _mm_loadu_si128(in);
    const __m128i b = _mm_loadu_si128(in + 1);
    const __m128i c = _mm_loadu_si128(in + 2);
    const __m128i d = _mm_loadu_si128(in + 3);
    _mm_stream_si128(out, a);
    _mm_stream_si128(out + 1, b);
    _mm_stream_si128(out + 2, c);
    _mm_stream_si128(out + 3, d);
  }
  std::memcpy(to + at, from + at, bytes - at);
  _mm_sfence();
}

__attribute__((target("avx2"))) inline void line_avx2(std::byte* to, const std::byte* from) {
  const auto* in = reinterpret_cast<const __m256i*>(from);
  auto* out = reinterpret_cast<__m256i*>(to);
  const __m256i a = _mm256_loadu_si256(in);
  const __m256i b = _mm256_loadu_si256(in + 1);
  _mm256_stream_si256(out, a);
  _mm256_stream_si256(out + 1, b);
}

__attribute__((target("avx512f"))) inline void line_avx512(std::byte* to, const std::byte* from) {
  _mm512_stream_si512(reinterpret_cast<__m512i*>(to), _mm512_loadu_si512(from));
}

// Prefetchers follow one stream in each 4 KiB page and stop at its end. Walking over several pages
// at once keeps as many of them busy, and more lines on their way from memory, than one pass from
// front to back.
constexpr std::size_t kPage = 4096;
constexpr std::size_t kRun = 256;  // bytes of one page before the next has its turn

template <std::size_t kPages>
__attribute__((target("avx2"))) void copy_nt_avx2(std::byte* to, const std::byte* from,
                                                  std::size_t bytes) {
  std::size_t at = copy_head(to, from, bytes);
  for (; at + kPages * kPage <= bytes; at += kPages * kPage) {
    for (std::size_t run = 0; run < kPage; run += kRun) {
      for (std::size_t page = 0; page < kPages; ++page) {
        const std::size_t place = at + page * kPage + run;
        for (std::size_t i = 0; i < kRun; i += kLine) line_avx2(to + place + i, from + place + i);
      }
    }
  }
  if constexpr (kPages > 4) return copy_nt_avx2<4>(to + at, from + at, bytes - at);
  for (; at + kLine <= bytes; at += kLine) line_avx2(to + at, from + at);
  std::memcpy(to + at, from + at, bytes - at);
  _mm_sfence();
}

template <std::size_t kPages>
__attribute__((target("avx512f"))) void copy_nt_avx512(std::byte* to, const std::byte* from,
                                                       std::size_t bytes) {
  std::size_t at = copy_head(to, from, bytes);
  for (; at + kPages * kPage <= bytes; at += kPages * kPage) {
    for (std::size_t run = 0; run < kPage; run += kRun) {
      for (std::size_t page = 0; page < kPages; ++page) {
        const std::size_t place = at + page * kPage + run;
        for (std::size_t i = 0; i < kRun; i += kLine) line_avx512(to + place + i, from + place + i);
      }
    }
  }
  if constexpr (kPages > 4) return copy_nt_avx512<4>(to + at, from + at, bytes - at);
  for (; at + kLine <= bytes; at += kLine) line_avx512(to + at, from + at);
  std::memcpy(to + at, from + at, bytes - at);
  _mm_sfence();
}

// From front to back, the source asked for some lines ahead: prefetchers stop at the end of a page,
// this does not.
__attribute__((target("avx512f"))) void copy_nt_avx512_ahead(std::byte* to, const std::byte* from,
                                                             std::size_t bytes) {
  constexpr std::size_t kAhead = 2048;
  std::size_t at = copy_head(to, from, bytes);
  for (; at + kLine <= bytes; at += kLine) {
    _mm_prefetch(reinterpret_cast<const char*>(from + at + kAhead), _MM_HINT_T0);
    line_avx512(to + at, from + at);
  }
  std::memcpy(to + at, from + at, bytes - at);
  _mm_sfence();
}

std::vector<CopyVariant> find_variants() {
  std::vector<CopyVariant> found{{"memcpy", copy_memcpy}, {"rep_movsb", copy_rep_movsb}};
  found.push_back({"nt_sse2", copy_nt_sse2});
  if (__builtin_cpu_supports("avx2")) {
    found.push_back({"nt_avx2", copy_nt_avx2<1>});
    found.push_back({"nt_avx2_x4", copy_nt_avx2<4>});
    found.push_back({"nt_avx2_x8", copy_nt_avx2<8>});
  }
  if (__builtin_cpu_supports("avx512f")) {
    found.push_back({"nt_avx512", copy_nt_avx512<1>});
    found.push_back({"nt_avx512_ahead", copy_nt_avx512_ahead});
    found.push_back({"nt_avx512_x4", copy_nt_avx512<4>});
    found.push_back({"nt_avx512_x8", copy_nt_avx512<8>});
  }
  return found;
}

#else

std::vector<CopyVariant> find_variants() { return {{"memcpy", copy_memcpy}}; }

#endif

}  // namespace

std::span<const CopyVariant> copy_variants() {
  static const std::vector<CopyVariant> variants = find_variants();
  return variants;
}

void copy_past_caches(std::byte* to, const std::byte* from, std::size_t bytes) {
#if defined(__x86_64__)
  copy_nt_sse2(to, from, bytes);
#else
  copy_memcpy(to, from, bytes);
#endif
}

}  // namespace aquifer::apps
