#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>

#include <memory>

#include "bindings.h"
#include "compat/memcache/log.h"
#include "compat/memcache/meta_service.h"
#include "configs.h"
#include "gil.h"

namespace aquifer::python::memcache {
namespace {

namespace nb = nanobind;

/// A metadata service that runs until it is stopped.
class RunningMeta {
 public:
  explicit RunningMeta(std::unique_ptr<compat::MetaService> service)
      : service_(std::move(service)) {}
  ~RunningMeta() { stop(); }

  /// None while it runs.
  nb::object failure() {
    const auto error = service_->wait_failed(std::chrono::milliseconds(0));
    return error ? nb::object(nb::str(error->text().c_str())) : nb::none();
  }
  void stop() {
    const WithoutGil released;
    service_->stop();
  }

 private:
  std::unique_ptr<compat::MetaService> service_;
};

/// None when it cannot be started; the log says why.
nb::object start(const MetaConfig& config) {
  std::vector<std::string> warnings;
  auto service = attempt([&] { return compat::MetaService::start(config.values, warnings); });
  for (const std::string& warning : warnings) compat::warn_once(warning);
  if (!service) {
    compat::log(compat::Level::kError, service.error().text());
    return nb::none();
  }
  return nb::cast(new RunningMeta(*std::move(service)), nb::rv_policy::take_ownership);
}

/// None for a file that cannot be used.
nb::object read(const std::string& path) {
  std::vector<std::string> warnings;
  const auto values = compat::read_meta_config(path, warnings);
  for (const std::string& warning : warnings) compat::warn_once(warning);
  if (!values) {
    compat::log(compat::Level::kError, values.error().text());
    return nb::none();
  }
  MetaConfig config;
  config.values = *values;
  return nb::cast(config);
}

}  // namespace

void bind_meta_service(nb::module_& module) {
  nb::class_<RunningMeta> type(module, "RunningMeta");
  type.def("failure", &RunningMeta::failure);
  type.def("stop", &RunningMeta::stop);
  module.def("start_meta", start);
  module.def("read_meta_config", read);
  module.def("loaded_meta_path", [] { return compat::meta_config_path(); });
  module.def("start_log", [](const MetaConfig& config) { compat::start_log(config.values); });
  module.def("log_error",
             [](const std::string& text) { compat::log(compat::Level::kError, text); });
}

}  // namespace aquifer::python::memcache
