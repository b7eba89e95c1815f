#include "memory/digest.h"

// gcc 12 warns about its own _mm512_undefined_* (bug 105593).
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#include <immintrin.h>

#include <array>
#include <atomic>
#include <cstring>

namespace aquifer::memory {
namespace {

using u64 = std::uint64_t;

// The polynomial ad93d23594c93659, bits reversed: in the reflected form bit 63 stands for x^0.
constexpr u64 kPolynomial = 0x9a6c9329ac4bc9b5u;

constexpr u64 times_x(u64 value) { return (value >> 1) ^ ((value & 1) != 0 ? kPolynomial : 0); }

// x^exponent modulo the polynomial, reflected.
constexpr u64 power_of_x(unsigned exponent) {
  u64 value = u64{1} << 63;
  for (unsigned i = 0; i < exponent; ++i) {
    value = times_x(value);
  }
  return value;
}

// Folding moves 128 bits forward by a distance: the low quadword (the higher powers) times
// x^(distance+64), the high one times x^distance. A carry-less product of reflected numbers comes
// out shifted by one, hence the -1.
struct FoldBy {
  u64 low;
  u64 high;
};
constexpr FoldBy fold_by(unsigned distance_bits) {
  return {power_of_x(distance_bits + 63), power_of_x(distance_bits - 1)};
}

using Tables = std::array<std::array<u64, 256>, 8>;
constexpr Tables make_tables() {
  Tables tables{};
  for (unsigned i = 0; i < 256; ++i) {
    u64 value = i;
    for (int bit = 0; bit < 8; ++bit) {
      value = times_x(value);
    }
    tables[0][i] = value;
  }
  for (unsigned i = 0; i < 256; ++i) {
    for (unsigned t = 1; t < 8; ++t) {
      tables[t][i] = tables[0][tables[t - 1][i] & 0xff] ^ (tables[t - 1][i] >> 8);
    }
  }
  return tables;
}
constexpr Tables kTables = make_tables();

inline u64 step_byte(u64 state, unsigned char byte) {
  return kTables[0][(state ^ byte) & 0xff] ^ (state >> 8);
}

inline u64 step_word(u64 state, u64 word) {
  const u64 x = state ^ word;
  return kTables[7][x & 0xff] ^ kTables[6][(x >> 8) & 0xff] ^ kTables[5][(x >> 16) & 0xff] ^
         kTables[4][(x >> 24) & 0xff] ^ kTables[3][(x >> 32) & 0xff] ^
         kTables[2][(x >> 40) & 0xff] ^ kTables[1][(x >> 48) & 0xff] ^ kTables[0][x >> 56];
}

#if defined(__SANITIZE_THREAD__)
// What ThreadSanitizer sees: the other side may be writing, and the generation check sorts that out
// afterwards.
inline unsigned char load_byte(const char* from) {
  return __atomic_load_n(reinterpret_cast<const unsigned char*>(from), __ATOMIC_RELAXED);
}
inline void store_byte(char* to, unsigned char byte) {
  __atomic_store_n(reinterpret_cast<unsigned char*>(to), byte, __ATOMIC_RELAXED);
}
u64 table_run(u64 state, char* to, const char* from, std::size_t bytes, Stores /*stores*/) {
  for (std::size_t i = 0; i < bytes; ++i) {
    const unsigned char byte = load_byte(from + i);
    if (to != nullptr) {
      store_byte(to + i, byte);
    }
    state = step_byte(state, byte);
  }
  return state;
}
#else
u64 table_run(u64 state, char* to, const char* from, std::size_t bytes, Stores /*stores*/) {
  std::size_t at = 0;
  for (; at + 8 <= bytes; at += 8) {
    u64 word;
    std::memcpy(&word, from + at, 8);
    asm volatile("" : "+r"(word));  // one load: the source may be changing
    if (to != nullptr) {
      std::memcpy(to + at, &word, 8);
    }
    state = step_word(state, word);
  }
  for (; at < bytes; ++at) {
    unsigned char byte = static_cast<unsigned char>(from[at]);
    asm volatile("" : "+r"(byte));
    if (to != nullptr) {
      to[at] = static_cast<char>(byte);
    }
    state = step_byte(state, byte);
  }
  return state;
}
#endif

#define AQ_PCLMUL __attribute__((target("sse4.1,pclmul")))
#define AQ_AVX512 __attribute__((target("avx512f,avx512bw,avx512vl,vpclmulqdq,pclmul,sse4.1")))

AQ_PCLMUL inline __m128i fold(__m128i value, __m128i by, __m128i next) {
  const __m128i low = _mm_clmulepi64_si128(value, by, 0x00);
  const __m128i high = _mm_clmulepi64_si128(value, by, 0x11);
  return _mm_xor_si128(_mm_xor_si128(low, high), next);
}

AQ_PCLMUL inline __m128i constant(FoldBy by) {
  return _mm_set_epi64x(static_cast<long long>(by.high), static_cast<long long>(by.low));
}

// The polynomial as a power series, bit 0 standing for the highest power (x^64 is bit 0, x^0 the
// 64th: it is set, and left out here), and the first 64 bits of that series' inverse.
constexpr u64 kSeries = kPolynomial << 1 | 1;
static_assert(kPolynomial >> 63 == 1);
constexpr u64 inverse_of(u64 series) {
  u64 inverse = 0;
  u64 rest = 1;
  for (int bit = 0; bit < 64; ++bit) {
    if ((rest >> bit & 1) != 0) {
      inverse |= u64{1} << bit;
      rest ^= series << bit;
    }
  }
  return inverse;
}

// The remainder of 128 folded bits times x^64 (Barrett): the first 64 bits are brought down by a
// multiplication, the quotient of what is above the remainder is found by the inverse, and its
// product with the polynomial is taken off.
AQ_PCLMUL inline u64 reduce(__m128i value) {
  const __m128i down = _mm_cvtsi64_si128(static_cast<long long>(power_of_x(127)));
  const __m128i divide =
      _mm_set_epi64x(static_cast<long long>(kSeries), static_cast<long long>(inverse_of(kSeries)));
  const __m128i sum = _mm_clmulepi64_si128(value, down, 0x00);
  const __m128i above = _mm_xor_si128(sum, _mm_srli_si128(value, 8));
  const __m128i quotient = _mm_clmulepi64_si128(above, divide, 0x00);
  const __m128i product = _mm_clmulepi64_si128(quotient, divide, 0x10);
  return static_cast<u64>(_mm_extract_epi64(_mm_xor_si128(product, sum), 1)) ^
         static_cast<u64>(_mm_cvtsi128_si64(quotient));
}

constexpr FoldBy kBy128 = fold_by(128);
constexpr FoldBy kBy512 = fold_by(512);
constexpr FoldBy kBy2048 = fold_by(2048);
constexpr std::size_t kSmallPage = 4096;
constexpr FoldBy kBySmallPage = fold_by(8 * kSmallPage);

AQ_PCLMUL inline __m128i load16(const char* from) {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
}

AQ_PCLMUL inline void store16(char* to, __m128i value, bool streaming) {
  if (streaming) {
    _mm_stream_si128(reinterpret_cast<__m128i*>(to), value);
  } else {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to), value);
  }
}

// 64 bytes a turn over four accumulators, then 16 bytes a turn, then the tail.
AQ_PCLMUL u64 pclmul_run(u64 state, char* to, const char* from, std::size_t bytes, Stores stores) {
  if (bytes < 64) {
    return table_run(state, to, from, bytes, stores);
  }
  const bool streaming =
      stores != Stores::kCached && to != nullptr && reinterpret_cast<std::uintptr_t>(to) % 16 == 0;
  const __m128i by512 = constant(kBy512);
  const __m128i by128 = constant(kBy128);
  __m128i acc[4];
  for (int i = 0; i < 4; ++i) {
    acc[i] = load16(from + i * 16);
    if (to != nullptr) {
      store16(to + i * 16, acc[i], streaming);
    }
  }
  acc[0] = _mm_xor_si128(acc[0], _mm_cvtsi64_si128(static_cast<long long>(state)));
  std::size_t at = 64;
  for (; at + 64 <= bytes; at += 64) {
    for (int i = 0; i < 4; ++i) {
      const __m128i next = load16(from + at + static_cast<std::size_t>(i) * 16);
      if (to != nullptr) {
        store16(to + at + static_cast<std::size_t>(i) * 16, next, streaming);
      }
      acc[i] = fold(acc[i], by512, next);
    }
  }
  __m128i all = fold(acc[0], by128, acc[1]);
  all = fold(all, by128, acc[2]);
  all = fold(all, by128, acc[3]);
  return table_run(reduce(all), to == nullptr ? nullptr : to + at, from + at, bytes - at, stores);
}

AQ_AVX512 inline __m512i load64(const char* from) { return _mm512_loadu_si512(from); }

AQ_AVX512 inline __m512i fold64(__m512i value, __m512i by, __m512i next) {
  return _mm512_ternarylogic_epi64(_mm512_clmulepi64_epi128(value, by, 0x00),
                                   _mm512_clmulepi64_epi128(value, by, 0x11), next, 0x96);
}

enum class To : std::uint8_t { kNowhere, kMemory, kStream };

template <To kTo>
AQ_AVX512 inline void store64(char* to, __m512i value) {
  if constexpr (kTo == To::kMemory) {
    _mm512_storeu_si512(to, value);
  } else if constexpr (kTo == To::kStream) {
    _mm512_stream_si512(reinterpret_cast<__m512i*>(to), value);
  }
}

// The remainder of 512 folded bits.
AQ_AVX512 inline u64 reduce64(__m512i value) {
  const __m128i by128 = constant(kBy128);
  __m128i all = fold(_mm512_castsi512_si128(value), by128, _mm512_extracti32x4_epi32(value, 1));
  all = fold(all, by128, _mm512_extracti32x4_epi32(value, 2));
  all = fold(all, by128, _mm512_extracti32x4_epi32(value, 3));
  return reduce(all);
}

// Streams some 4 KiB pages side by side, 256 bytes of each in turn, with one accumulator for each:
// the prefetchers follow one stream in each page and stop at its end, so several keep more lines on
// their way than one pass from front to back. `bytes` is a multiple of as many pages, at least
// that; `to` lies at a line.
template <std::size_t kPagesAtOnce>
AQ_AVX512 u64 avx512_pages(u64 state, char* to, const char* from, std::size_t bytes) {
  constexpr std::size_t kStride = kPagesAtOnce * kSmallPage;
  constexpr std::size_t kTurn = 256;
  const __m512i by512 = _mm512_broadcast_i32x4(constant(kBy512));
  const __m512i by_page = _mm512_broadcast_i32x4(constant(kBySmallPage));
  const auto move = [to, from](std::size_t place) AQ_AVX512 {
    const __m512i line = load64(from + place);
    store64<To::kStream>(to + place, line);
    return line;
  };
  // What is mixed into the first line of the next stride: the state, later all that came before.
  __m512i before = _mm512_zextsi128_si512(_mm_cvtsi64_si128(static_cast<long long>(state)));
  __m512i all = _mm512_setzero_si512();
  for (std::size_t at = 0; at < bytes; at += kStride) {
    __m512i acc[kPagesAtOnce];
#pragma GCC unroll 8
    for (std::size_t page = 0; page < kPagesAtOnce; ++page) {
      const std::size_t place = at + page * kSmallPage;
      acc[page] = move(place);
      if (page == 0) acc[0] = _mm512_xor_si512(acc[0], before);
      for (std::size_t i = 64; i < kTurn; i += 64)
        acc[page] = fold64(acc[page], by512, move(place + i));
    }
    for (std::size_t turn = kTurn; turn < kSmallPage; turn += kTurn) {
#pragma GCC unroll 8
      for (std::size_t page = 0; page < kPagesAtOnce; ++page) {
        const std::size_t place = at + page * kSmallPage + turn;
#pragma GCC unroll 4
        for (std::size_t i = 0; i < kTurn; i += 64)
          acc[page] = fold64(acc[page], by512, move(place + i));
      }
    }
    all = acc[0];
#pragma GCC unroll 8
    for (std::size_t page = 1; page < kPagesAtOnce; ++page) all = fold64(all, by_page, acc[page]);
    before = fold64(all, by512, _mm512_setzero_si512());
  }
  return reduce64(all);
}

// How far ahead the source is asked for where it is likely to be large: streamed, or only read.
constexpr std::size_t kAhead = 2048;

// 256 bytes a turn over four accumulators. `bytes` is a multiple of 256, at least 256.
template <To kTo>
AQ_AVX512 u64 avx512_blocks(u64 state, char* to, const char* from, std::size_t bytes) {
  constexpr std::size_t kLanes = 4;
  constexpr std::size_t kTurn = kLanes * 64;
  const __m512i by_turn = _mm512_broadcast_i32x4(constant(kBy2048));
  const auto move = [to, from](std::size_t place) AQ_AVX512 {
    if constexpr (kTo != To::kMemory) _mm_prefetch(from + place + kAhead, _MM_HINT_T0);
    const __m512i line = load64(from + place);
    store64<kTo>(to + place, line);
    return line;
  };
  __m512i acc[kLanes];
#pragma GCC unroll 4
  for (std::size_t lane = 0; lane < kLanes; ++lane) acc[lane] = move(lane * 64);
  acc[0] = _mm512_xor_si512(
      acc[0], _mm512_zextsi128_si512(_mm_cvtsi64_si128(static_cast<long long>(state))));
  for (std::size_t at = kTurn; at < bytes; at += kTurn) {
#pragma GCC unroll 4
    for (std::size_t lane = 0; lane < kLanes; ++lane)
      acc[lane] = fold64(acc[lane], by_turn, move(at + lane * 64));
  }
  const __m512i by512 = _mm512_broadcast_i32x4(constant(kBy512));
  return reduce64(fold64(fold64(fold64(acc[0], by512, acc[1]), by512, acc[2]), by512, acc[3]));
}

AQ_AVX512 u64 avx512_run(u64 state, char* to, const char* from, std::size_t bytes, Stores stores) {
  std::size_t at = 0;
  if (stores != Stores::kCached && to != nullptr && bytes >= 512) {
    // Non-temporal stores want whole lines of the destination.
    at = (64 - reinterpret_cast<std::uintptr_t>(to) % 64) % 64;
    state = table_run(state, to, from, at, stores);
    if (stores == Stores::kStreamingPages) {
      if (const std::size_t eights = (bytes - at) / (8 * kSmallPage) * (8 * kSmallPage)) {
        state = avx512_pages<8>(state, to + at, from + at, eights);
        at += eights;
      }
      if (const std::size_t fours = (bytes - at) / (4 * kSmallPage) * (4 * kSmallPage)) {
        state = avx512_pages<4>(state, to + at, from + at, fours);
        at += fours;
      }
    }
    if (const std::size_t blocks = (bytes - at) / 256 * 256; blocks > 0) {
      state = avx512_blocks<To::kStream>(state, to + at, from + at, blocks);
      at += blocks;
    }
  } else if (bytes >= 256) {
    const std::size_t blocks = bytes / 256 * 256;
    state = to == nullptr ? avx512_blocks<To::kNowhere>(state, nullptr, from, blocks)
                          : avx512_blocks<To::kMemory>(state, to, from, blocks);
    at = blocks;
  }
  return pclmul_run(state, to == nullptr ? nullptr : to + at, from + at, bytes - at,
                    Stores::kCached);
}

using Run = u64 (*)(u64, char*, const char*, std::size_t, Stores);

struct Build {
  std::string_view name;
  Run run;
  bool (*present)();
};

bool always() { return true; }
bool has_pclmul() {
  return __builtin_cpu_supports("pclmul") != 0 && __builtin_cpu_supports("sse4.1") != 0;
}
bool has_avx512() {
  return has_pclmul() && __builtin_cpu_supports("avx512f") != 0 &&
         __builtin_cpu_supports("avx512bw") != 0 && __builtin_cpu_supports("avx512vl") != 0 &&
         __builtin_cpu_supports("vpclmulqdq") != 0;
}

// Best first.
#if defined(__SANITIZE_THREAD__)
constexpr std::array<Build, 1> kBuilds{{{"table", table_run, always}}};
#else
constexpr std::array<Build, 3> kBuilds{{{"avx512", avx512_run, has_avx512},
                                        {"pclmul", pclmul_run, has_pclmul},
                                        {"table", table_run, always}}};
#endif

const Build* best_build() {
  __builtin_cpu_init();
  for (const Build& build : kBuilds) {
    if (build.present()) {
      return &build;
    }
  }
  return &kBuilds.back();
}

// Set once at load (a constant of this CPU) and by tests.
const Build* g_build = best_build();

}  // namespace

std::uint64_t digest(std::uint64_t state, const void* source, std::size_t bytes) {
  return g_build->run(state, nullptr, static_cast<const char*>(source), bytes, Stores::kCached);
}

std::uint64_t copy_digest(std::uint64_t state, void* destination, const void* source,
                          std::size_t bytes, Stores stores) {
  return g_build->run(state, static_cast<char*>(destination), static_cast<const char*>(source),
                      bytes, stores);
}

std::string_view digest_build() { return g_build->name; }

bool use_digest_build(std::string_view name) {
  for (const Build& build : kBuilds) {
    if (build.name == name && build.present()) {
      g_build = &build;
      return true;
    }
  }
  return false;
}

void finish_stores() { _mm_sfence(); }

}  // namespace aquifer::memory

#pragma GCC diagnostic pop
