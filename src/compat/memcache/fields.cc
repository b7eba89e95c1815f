#include "compat/memcache/fields.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstring>

#include "base/strings.h"

namespace aquifer::compat::memcache {
namespace {

using base::cat;

constexpr std::array<std::string_view, 4> kLevels{"debug", "info", "warn", "error"};
constexpr std::uint32_t kMegabyte = 1u << 20;

#define LOCAL(member, key, kind, ...)                                                             \
  Field {                                                                                         \
#member, key, kind, offsetof(local_config, member), sizeof(local_config::member), __VA_ARGS__ \
  }
#define LOCAL_TLS(prefix, key)                                     \
  LOCAL(prefix##enable, key ".enable", Kind::kFlag),               \
      LOCAL(prefix##ca_path, key ".ca.path", Kind::kText),         \
      LOCAL(prefix##ca_crl_path, key ".ca.crl.path", Kind::kText), \
      LOCAL(prefix##cert_path, key ".cert.path", Kind::kText),     \
      LOCAL(prefix##key_path, key ".key.path", Kind::kText),       \
      LOCAL(prefix##key_pass_path, key ".key.pass.path", Kind::kText)

const std::array kLocal{
    LOCAL(meta_service_url, "ock.mmc.meta_service_url", Kind::kText),
    LOCAL(config_store_url, "ock.mmc.local_service.config_store_url", Kind::kText),
    LOCAL(log_level, "ock.mmc.log_level", Kind::kText),
    LOCAL(world_size, "ock.mmc.local_service.world_size", Kind::kUnsigned, 1, 1024),
    LOCAL(protocol, "ock.mmc.local_service.protocol", Kind::kText),
    LOCAL(hcom_url, "ock.mmc.local_service.hcom_url", Kind::kText),
    LOCAL(dram_size, "ock.mmc.local_service.dram.size", Kind::kSize),
    LOCAL(hbm_size, "ock.mmc.local_service.hbm.size", Kind::kSize),
    LOCAL(max_dram_size, "ock.mmc.local_service.max.dram.size", Kind::kSize),
    LOCAL(max_hbm_size, "ock.mmc.local_service.max.hbm.size", Kind::kSize),
    LOCAL(client_retry_milliseconds, "ock.mmc.client.retry_milliseconds", Kind::kUnsigned, 0,
          600000),
    LOCAL(client_timeout_seconds, "ock.mmc.client.timeout.seconds", Kind::kUnsigned, 1, 600),
    LOCAL(read_thread_pool_size, "ock.mmc.client.read_thread_pool.size", Kind::kUnsigned, 1, 64),
    LOCAL(write_thread_pool_size, "ock.mmc.client.write_thread_pool.size", Kind::kUnsigned, 1, 64),
    LOCAL(aggregate_io, "ock.mmc.client.aggregate.io", Kind::kFlag),
    LOCAL(aggregate_num, "ock.mmc.client.aggregate.num", Kind::kUnsigned, 1, 131072),
    LOCAL(ubs_io_enable, "ock.mmc.ubs_io.enable", Kind::kFlag),
    LOCAL(memory_pool_mode, "ock.mmc.local_service.memory.pool.mode", Kind::kText),
    LOCAL_TLS(tls_, "ock.mmc.tls"),
    LOCAL(tls_package_path, "ock.mmc.tls.package.path", Kind::kText),
    LOCAL(tls_decrypter_path, "ock.mmc.tls.decrypter.path", Kind::kText),
    LOCAL_TLS(config_store_tls_, "ock.mmc.config_store.tls"),
    LOCAL(config_store_tls_package_path, "ock.mmc.config_store.tls.package.path", Kind::kText),
    LOCAL(config_store_tls_decrypter_path, "ock.mmc.config_store.tls.decrypter.path", Kind::kText),
    LOCAL_TLS(hcom_tls_, "ock.mmc.local_service.hcom.tls"),
    LOCAL(hcom_tls_decrypter_path, "ock.mmc.local_service.hcom.tls.decrypter.path", Kind::kText),
};

#define META(name, member, key, kind, ...)                        \
  Field {                                                         \
    name, key, kind, offsetof(mmc_meta_service_config_t, member), \
        sizeof(mmc_meta_service_config_t::member), __VA_ARGS__    \
  }
#define META_TLS_PATH(name, config, member, key)                                        \
  Field {                                                                               \
    name, key, Kind::kText,                                                             \
        offsetof(mmc_meta_service_config_t, config) + offsetof(mmc_tls_config, member), \
        TLS_PATH_SIZE                                                                   \
  }
#define META_TLS(prefix, config, key)                                                             \
  Field{prefix "enable", key ".enable", Kind::kFlag, offsetof(mmc_meta_service_config_t, config), \
        sizeof(bool)},                                                                            \
      META_TLS_PATH(prefix "ca_path", config, caPath, key ".ca.path"),                            \
      META_TLS_PATH(prefix "ca_crl_path", config, crlPath, key ".ca.crl.path"),                   \
      META_TLS_PATH(prefix "cert_path", config, certPath, key ".cert.path"),                      \
      META_TLS_PATH(prefix "key_path", config, keyPath, key ".key.path"),                         \
      META_TLS_PATH(prefix "key_pass_path", config, keyPassPath, key ".key.pass.path"),           \
      META_TLS_PATH(prefix "package_path", config, packagePath, key ".package.path"),             \
      META_TLS_PATH(prefix "decrypter_path", config, decrypterLibPath, key ".decrypter.path")

const std::array kMeta{
    META("meta_service_url", discoveryURL, "ock.mmc.meta_service_url", Kind::kText),
    META("config_store_url", configStoreURL, "ock.mmc.meta_service.config_store_url", Kind::kText),
    META("metrics_url", httpURL, "ock.mmc.meta_service.metrics_url", Kind::kText),
    META("ha_enable", haEnable, "ock.mmc.meta.ha.enable", Kind::kFlag),
    META("log_level", logLevel, "ock.mmc.log_level", Kind::kLevel),
    META("log_path", logPath, "ock.mmc.log_path", Kind::kText),
    META("log_rotation_file_size", logRotationFileSize, "ock.mmc.log_rotation_file_size",
         Kind::kMegabytes, 1, 500),
    META("log_rotation_file_count", logRotationFileCount, "ock.mmc.log_rotation_file_count",
         Kind::kSigned, 1, 50),
    META("evict_threshold_high", evictThresholdHigh, "ock.mmc.evict_threshold_high", Kind::kShort,
         1, 99),
    META("evict_threshold_low", evictThresholdLow, "ock.mmc.evict_threshold_low", Kind::kShort, 1,
         98),
    META("ubs_io_enable", ubsIoEnable, "ock.mmc.ubs_io.enable", Kind::kFlag),
    META_TLS("tls_", accTlsConfig, "ock.mmc.tls"),
    META_TLS("config_store_tls_", configStoreTlsConfig, "ock.mmc.config_store.tls"),
};

#undef LOCAL
#undef LOCAL_TLS
#undef META
#undef META_TLS_PATH
#undef META_TLS

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) {
    return static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
  });
  return out;
}

const char* at(const void* config, const Field& field) {
  return static_cast<const char*>(config) + field.offset;
}

template <class T>
std::uint32_t load(const void* config, const Field& field) {
  T value;
  std::memcpy(&value, at(config, field), sizeof value);
  return static_cast<std::uint32_t>(value);
}

template <class T>
void store(void* config, const Field& field, std::uint32_t number) {
  const auto value = static_cast<T>(number);
  std::memcpy(static_cast<char*>(config) + field.offset, &value, sizeof value);
}

std::optional<std::uint32_t> parse_number(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < 0 ||
      number > UINT32_MAX) {
    return std::nullopt;
  }
  return static_cast<std::uint32_t>(number);
}

std::optional<bool> parse_flag(std::string_view text) {
  const std::string word = lower(text);
  if (word == "1" || word == "true") return true;
  if (word == "0" || word == "false") return false;
  return std::nullopt;
}

}  // namespace

std::span<const Field> local_fields() { return kLocal; }
std::span<const Field> meta_fields() { return kMeta; }

std::uint32_t number_of(const void* config, const Field& field) {
  switch (field.kind) {
    case Kind::kShort:
      return load<std::uint16_t>(config, field);
    case Kind::kFlag:
      return load<bool>(config, field);
    case Kind::kMegabytes:
      return load<std::int32_t>(config, field) / kMegabyte;
    default:
      return load<std::uint32_t>(config, field);
  }
}

std::string text_of(const void* config, const Field& field) {
  if (field.kind == Kind::kLevel) {
    const std::uint32_t level = load<std::int32_t>(config, field);
    return std::string(kLevels[std::min<std::uint32_t>(level, kLevels.size() - 1)]);
  }
  const char* const text = at(config, field);
  return {text, strnlen(text, field.bytes)};
}

bool set_text(void* config, const Field& field, std::string_view text) {
  if (field.kind == Kind::kLevel) {
    const std::string word = lower(text) == "warning" ? "warn" : lower(text);
    const auto found = std::find(kLevels.begin(), kLevels.end(), word);
    if (found == kLevels.end()) return false;
    store<std::int32_t>(config, field, static_cast<std::uint32_t>(found - kLevels.begin()));
    return true;
  }
  if (text.size() >= field.bytes) return false;
  char* const place = static_cast<char*>(config) + field.offset;
  std::memset(place, 0, field.bytes);
  std::memcpy(place, text.data(), text.size());
  return true;
}

void set_number(void* config, const Field& field, std::uint32_t number) {
  switch (field.kind) {
    case Kind::kShort:
      return store<std::uint16_t>(config, field, std::min<std::uint32_t>(number, UINT16_MAX));
    case Kind::kFlag:
      return store<bool>(config, field, number);
    case Kind::kMegabytes:
      return store<std::int32_t>(config, field, std::min(number, 2047u) * kMegabyte);
    default:
      return store<std::uint32_t>(config, field, number);
  }
}

std::optional<std::string> parse_into(void* config, const Field& field, std::string_view text) {
  const auto wrong = [&](std::string_view wanted) {
    return cat(field.key, " is \"", text, "\": it must be ", wanted);
  };
  if (field.is_text() || field.kind == Kind::kLevel) {
    if (field.kind == Kind::kSize && !parse_bytes(text))
      return wrong("a size such as 512MB or 1.5GB");
    if (set_text(config, field, text)) return std::nullopt;
    return field.kind == Kind::kLevel ? wrong("debug, info, warn or error")
                                      : wrong(cat("shorter than ", field.bytes, " bytes"));
  }
  if (field.kind == Kind::kFlag) {
    const auto flag = parse_flag(text);
    if (!flag) return wrong("true, false, 1 or 0");
    set_number(config, field, *flag ? 1 : 0);
    return std::nullopt;
  }
  const auto number = parse_number(text);
  if (!number) return wrong("a whole number");
  if (*number < field.low || *number > field.high) {
    return wrong(cat(field.low, " to ", field.high));
  }
  set_number(config, field, *number);
  return std::nullopt;
}

std::optional<std::string> check_range(const void* config, const Field& field) {
  if (field.is_text()) {
    if (field.kind == Kind::kSize && !parse_bytes(text_of(config, field))) {
      return cat(field.name, " is \"", text_of(config, field),
                 "\": it must be a size such as 512MB or 1.5GB");
    }
    return std::nullopt;
  }
  const std::uint32_t number = number_of(config, field);
  if (number >= field.low && number <= field.high) return std::nullopt;
  return cat(field.name, " is ", number, ": it must be ", field.low, " to ", field.high);
}

std::string to_text(std::string_view type, const void* config, std::span<const Field> fields) {
  std::string out = cat(type, " {\n");
  for (const Field& field : fields) {
    out += cat("  ", field.name, ": ");
    if (field.is_text()) {
      out += text_of(config, field);
    } else if (field.kind == Kind::kFlag) {
      out += number_of(config, field) != 0 ? "true" : "false";
    } else if (field.kind == Kind::kMegabytes) {
      out += cat(load<std::int32_t>(config, field));
    } else {
      out += cat(number_of(config, field));
    }
    out += '\n';
  }
  return out + "}";
}

std::optional<std::uint64_t> parse_bytes(std::string_view text) {
  constexpr std::array<std::pair<std::string_view, int>, 10> kUnits{{{"", 0},
                                                                     {"b", 0},
                                                                     {"k", 10},
                                                                     {"kb", 10},
                                                                     {"m", 20},
                                                                     {"mb", 20},
                                                                     {"g", 30},
                                                                     {"gb", 30},
                                                                     {"t", 40},
                                                                     {"tb", 40}}};
  const std::size_t digits = std::min(text.find_first_not_of("0123456789."), text.size());
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + digits, number);
  if (digits == 0 || error != std::errc() || end != text.data() + digits) return std::nullopt;
  const std::string unit = lower(text.substr(digits));
  const auto found = std::find_if(kUnits.begin(), kUnits.end(),
                                  [&](const auto& known) { return known.first == unit; });
  if (found == kUnits.end()) return std::nullopt;
  const double bytes = std::ldexp(number, found->second);
  if (bytes >= 9e18) return std::nullopt;
  return static_cast<std::uint64_t>(bytes);
}

}  // namespace aquifer::compat::memcache
