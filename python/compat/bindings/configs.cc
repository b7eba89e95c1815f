#include "configs.h"

#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "base/strings.h"
#include "bindings.h"
#include "errors.h"
#include "reading.h"

namespace aquifer::python::memcache {
namespace {

using compat::Field;
using compat::Kind;

nb::object get_field(const void* config, const Field& field) {
  if (field.is_text() || field.kind == Kind::kLevel) {
    const std::string text = compat::text_of(config, field);
    return nb::str(text.c_str(), text.size());
  }
  if (field.kind == Kind::kFlag) return nb::bool_(compat::number_of(config, field) != 0);
  return nb::int_(compat::number_of(config, field));
}

/// Text fields take ints too: sizes come from JSON as numbers. Ranges are looked at when the
/// configuration is used.
void set_field(void* config, const Field& field, nb::handle value) {
  const std::string name(field.name);
  if (field.is_text() || field.kind == Kind::kLevel) {
    const bool number = PyLong_Check(value.ptr()) && !PyBool_Check(value.ptr());
    const nb::object text = number ? nb::object(nb::str(value)) : nb::borrow(value);
    if (!compat::set_text(config, field, read_text(text.ptr(), name.c_str()))) {
      raise_value_error(field.kind == Kind::kLevel ? name + " must be debug, info, warn or error"
                                                   : name + " must be shorter than " +
                                                         std::to_string(field.bytes) + " bytes");
    }
    return;
  }
  if (field.kind == Kind::kFlag && PyBool_Check(value.ptr())) {
    return compat::set_number(config, field, value.ptr() == Py_True ? 1 : 0);
  }
  const std::uint64_t number = read_unsigned(value.ptr(), name.c_str());
  if (number > (field.kind == Kind::kFlag ? 1u : UINT32_MAX)) {
    raise_type_error(name + " is out of range");
  }
  compat::set_number(config, field, static_cast<std::uint32_t>(number));
}

template <class T>
void bind_config(nb::module_& module, const char* name, const char* doc,
                 std::span<const Field> fields) {
  nb::class_<T> type(module, name, doc);
  type.def(nb::init<>());
  for (const Field& field : fields) {
    const Field* const known = &field;
    type.def_prop_rw(
        std::string(field.name).c_str(),
        [known](const T& self) { return get_field(&self.values, *known); },
        [known](T& self, nb::handle value) { set_field(&self.values, *known, value); });
  }
  const std::string title = name;
  const auto text = [title, fields](const T& self) {
    return compat::to_text(title, &self.values, fields);
  };
  type.def("str", text);
  type.def("__str__", text);
  type.def("__repr__", text);
}

void bind_replicate_config(nb::module_& module) {
  nb::class_<ReplicateConfig> type(
      module, "ReplicateConfig",
      "Copies of an object: replicaNum (1 to 8) on distinct local services, of which\n"
      "preferredLocalServiceIDs (distinct, at most replicaNum) come first.");
  type.def(nb::init<>());
  type.def_prop_rw(
      "replicaNum", [](const ReplicateConfig& self) { return self.replicas; },
      [](ReplicateConfig& self, nb::handle value) {
        const std::uint64_t number = read_unsigned(value.ptr(), "replicaNum");
        if (number > UINT16_MAX) raise_type_error("replicaNum does not fit 16 bits");
        self.replicas = static_cast<std::uint16_t>(number);
      });
  type.def_prop_rw(
      "preferredLocalServiceIDs", [](const ReplicateConfig& self) { return self.preferred; },
      [](ReplicateConfig& self, nb::handle value) {
        const nb::tuple items = read_list(value.ptr(), "preferredLocalServiceIDs");
        std::vector<std::int32_t> ids;
        for (const nb::handle id : items) {
          ids.push_back(read_int(id.ptr(), "preferredLocalServiceIDs"));
        }
        self.preferred = std::move(ids);
      });
}

void bind_key_info(nb::module_& module) {
  nb::class_<KeyInfo> type(module, "KeyInfo",
                           "Size (bytes, 0: it is not there) and places of one object.");
  type.def("size", [](const KeyInfo& self) { return self.facts.bytes; });
  type.def(
      "loc_list", [](const KeyInfo& self) { return self.facts.ranks; },
      "Ids of the local services that hold it; 1024 and up for nodes that are not such.");
  type.def(
      "type_list", [](const KeyInfo& self) { return std::vector<int>(self.facts.ranks.size(), 1); },
      "1 (DRAM) for each.");
  type.def(
      "gva_list",
      [](const KeyInfo& self) {
        return std::vector<std::uint64_t>(self.facts.ranks.size(), self.facts.gva);
      },
      "Global addresses, for batch_copy under a lease.");
  type.def("__str__", &KeyInfo::text);
  type.def("__repr__", &KeyInfo::text);
}

}  // namespace

std::string KeyInfo::text() const {
  std::string locs;
  std::string types;
  for (const int rank : facts.ranks) {
    locs += base::cat(rank, ",");
    types += "1,";
  }
  return base::cat("loc:", locs, " type:", types, " blobNum:", facts.ranks.size(),
                   ", size:", facts.bytes);
}

void bind_configs(nb::module_& module) {
  bind_config<LocalConfig>(module, "LocalConfig",
                           "What a local service is: the keys of mmc-local.conf as attributes.",
                           compat::local_fields());
  bind_config<MetaConfig>(module, "MetaConfig",
                          "What the metadata service is: the keys of mmc-meta.conf as attributes.",
                          compat::meta_fields());
  bind_replicate_config(module);
  bind_key_info(module);
}

}  // namespace aquifer::python::memcache
