// Client.list, iter_keys, remove_prefix and clear: what concerns many keys at once.
#include "listing.h"

#include <utility>

#include "arguments.h"
#include "client.h"
#include "lists.h"
#include "values.h"

namespace aquifer::python {
namespace {

constexpr std::size_t kPageEntries = 1000;

/// A key as a str where its bytes are UTF-8, and as bytes otherwise: both name the same key.
nb::object key_object(const std::string& key) {
  const auto size = static_cast<Py_ssize_t>(key.size());
  PyObject* object = PyUnicode_DecodeUTF8(key.data(), size, nullptr);
  if (object == nullptr) {
    PyErr_Clear();
    object = PyBytes_FromStringAndSize(key.data(), size);
  }
  if (object == nullptr) throw nb::python_error();
  return nb::steal(object);
}

Result<ListPage> read_page(Client& self, std::string_view prefix, std::string_view cursor,
                           std::size_t entries_max, const CallOptions& options) {
  return self.call(Result<ListPage>(Error{}), [&](aquifer::Client& client) {
    return client.list(prefix, cursor, entries_max, options);
  });
}

nb::object list(Client& self, nb::handle prefix, nb::handle cursor, nb::handle limit,
                nb::handle name_space, nb::handle timeout) {
  const std::string_view beginning = read_prefix(prefix);
  const std::string_view from = read_cursor(cursor);
  const std::size_t most = read_number(limit, {"limit"}, 1, Limits::kListEntries);
  const CallOptions options = read_call_options(name_space, timeout);
  const auto page = read_page(self, beginning, from, most, options);
  if (!page) return nb::none();
  const nb::object entries = make_list(page->entries.size(), [&](std::size_t i) {
    return nb::make_tuple(key_object(page->entries[i].key), page->entries[i].bytes);
  });
  if (page->cursor.empty()) return nb::make_tuple(entries, nb::none());
  return nb::make_tuple(entries, nb::bytes(page->cursor.data(), page->cursor.size()));
}

nb::object iter_keys(nb::handle_t<Client> self, nb::handle prefix, nb::handle name_space,
                     nb::handle timeout) {
  const std::string_view beginning = read_prefix(prefix);
  return nb::cast(KeyIterator(nb::borrow(self), beginning, read_call_options(name_space, timeout)));
}

long long remove_all(Client& self, std::string_view prefix, const CallOptions& options) {
  const auto removed = self.call(Result<std::uint64_t>(Error{}), [&](aquifer::Client& client) {
    return client.remove_prefix(prefix, options);
  });
  return removed ? static_cast<long long>(*removed) : -static_cast<long long>(removed.code());
}

long long remove_prefix(Client& self, nb::handle prefix, nb::handle name_space,
                        nb::handle timeout) {
  const std::string_view beginning = read_prefix(prefix);
  return remove_all(self, beginning, read_call_options(name_space, timeout));
}

long long clear(Client& self, nb::handle name_space, nb::handle timeout) {
  return remove_all(self, {}, read_call_options(name_space, timeout));
}

}  // namespace

KeyIterator::KeyIterator(nb::object client, std::string_view prefix, const CallOptions& options)
    : client_(std::move(client)),
      prefix_(prefix),
      name_space_(options.name_space),
      timeout_(options.timeout) {}

nb::object KeyIterator::next() {
  while (next_ == page_.entries.size()) {
    if (!turn_page()) throw nb::stop_iteration();
  }
  return key_object(page_.entries[next_++].key);
}

bool KeyIterator::turn_page() {
  if (begun_ && page_.cursor.empty()) {
    complete_ = true;
    return false;
  }
  // Kept apart while others run: a second thread may turn the page at the same time.
  const std::string cursor = page_.cursor;
  auto page =
      read_page(nb::cast<Client&>(client_), prefix_, cursor, kPageEntries, {name_space_, timeout_});
  if (!page) return false;
  page_ = *std::move(page);
  next_ = 0;
  begun_ = true;
  return true;
}

void bind_listing(nb::class_<Client>& type) {
  const auto name_space = nb::arg("namespace") = nb::none();
  const auto timeout = nb::arg("timeout") = nb::none();
  type.def("list", list, nb::arg("prefix").none() = "", nb::kw_only(),
           nb::arg("cursor") = nb::none(), nb::arg("limit").none() = 1000, name_space, timeout,
           "One page of the keys that begin with `prefix`, in no order: ([(key, size)], cursor).\n"
           "The cursor asks for the next page, and is None after the last. None in all when the\n"
           "pool is in trouble.");
  type.def("iter_keys", iter_keys, nb::arg("prefix").none() = "", nb::kw_only(), name_space,
           timeout,
           "An iterator over the keys that begin with `prefix`, which asks for pages as it goes.\n"
           "When the pool is in trouble it ends early, and its `complete` stays False.");
  type.def("remove_prefix", remove_prefix, nb::arg("prefix").none(), nb::kw_only(), name_space,
           timeout,
           "Removes all keys that begin with `prefix`. Returns how many there were, or the Status\n"
           "as a negative number.");
  type.def("clear", clear, nb::kw_only(), name_space, timeout,
           "Removes all keys of the namespace; answers as remove_prefix.");
}

void bind_key_iterator(nb::module_& module) {
  nb::class_<KeyIterator> type(
      module, "KeyIterator",
      "The keys of a listing. `complete` is True once it has ended because "
      "there were no more.");
  type.def("__iter__", [](nb::handle self) { return self; });
  type.def("__next__", &KeyIterator::next);
  type.def_prop_ro("complete", &KeyIterator::complete);
}

}  // namespace aquifer::python
