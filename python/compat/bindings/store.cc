// memcache_hybrid.DistributedObjectStore: its methods over compat::Store. All of them let go of the
// GIL and never raise but TypeError.
#include <nanobind/nanobind.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <memory>

#include "bindings.h"
#include "bytes.h"
#include "client.h"
#include "compat/memcache/log.h"
#include "compat/memcache/store.h"
#include "configs.h"
#include "errors.h"
#include "gil.h"
#include "lists.h"
#include "reading.h"

namespace aquifer::python::memcache {
namespace {

using compat::Form;

/// The store behind a Python object, and its end without the GIL. What is thrown becomes a code.
class Store {
 public:
  Store() = default;
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;
  ~Store() {
    const WithoutGil released;
    store_.reset();
  }

  template <class T, class F>
  T call(T fallback, F&& work) {
    try {
      const WithoutGil released;
      return std::forward<F>(work)(*store_);
    } catch (const std::exception& error) {
      compat::log(compat::Level::kError, error.what());
    }
    return fallback;
  }

  /// The code of a call for one key.
  template <class F>
  int call_one(F&& work) {
    return call(int{compat::kError},
                [&](compat::Store& store) { return std::forward<F>(work)(store).front(); });
  }

  template <class F>
  std::vector<int> call_batch(std::size_t count, F&& work) {
    return call(std::vector<int>(count, compat::kError), std::forward<F>(work));
  }

  RoomGuess& room() { return room_; }

 private:
  std::unique_ptr<compat::Store> store_ = std::make_unique<compat::Store>();
  RoomGuess room_;
};

compat::Replicas replicas_of(nb::handle config) {
  if (config.is_none()) return {};
  if (!nb::isinstance<ReplicateConfig>(config)) {
    raise_wrong_type({"replicateConfig"}, "ReplicateConfig", config.ptr());
  }
  return nb::inst_ptr<ReplicateConfig>(config)->replicas_of();
}

std::vector<int> refused(std::size_t count, Form form) {
  return std::vector<int>(count, form == Form::kLayers ? compat::kInvalidParam : compat::kError);
}

/// Plain bytes that Python keeps where they are; only read.
class ReadOnly {
 public:
  explicit ReadOnly(nb::handle object) {
    if (PyObject_GetBuffer(object.ptr(), &view_, PyBUF_SIMPLE) != 0) {
      raise_type_error("a value must be a C-contiguous bytes-like object: " + take_message());
    }
  }
  ReadOnly(const ReadOnly&) = delete;
  ReadOnly& operator=(const ReadOnly&) = delete;
  ~ReadOnly() { PyBuffer_Release(&view_); }

  ConstPiece piece() const { return {view_.buf, static_cast<std::size_t>(view_.len)}; }

 private:
  Py_buffer view_;
};

int setup(Store& self, nb::handle config) {
  if (!nb::isinstance<LocalConfig>(config)) {
    raise_wrong_type({"config"}, "LocalConfig", config.ptr());
  }
  const local_config values = nb::inst_ptr<LocalConfig>(config)->values;
  return self.call(int{compat::kError}, [&](compat::Store& store) { return store.setup(values); });
}

int init(Store& self, nb::handle device, nb::handle init_bm) {
  const std::uint64_t number = read_unsigned(device.ptr(), "device_id");
  const int flag = PyObject_IsTrue(init_bm.ptr());
  if (flag < 0) raise_type_error("init_bm must be a bool: " + take_message());
  return self.call(int{compat::kError}, [&](compat::Store& store) {
    return store.init(static_cast<std::uint32_t>(std::min<std::uint64_t>(number, UINT32_MAX)),
                      flag == 1);
  });
}

int close(Store& self) {
  return self.call(int{compat::kDone}, [](compat::Store& store) { return store.close(); });
}

int put(Store& self, nb::handle key, nb::handle buf, nb::handle config) {
  const std::string_view name = read_text(key.ptr(), "key");
  const compat::Replicas replicas = replicas_of(config);
  const ReadOnly value(buf);
  const ConstPiece piece = value.piece();
  const PutItem item{name, {&piece, 1}, {}};
  return self.call_one([&](compat::Store& store) {
    return store.put({&item, 1}, Form::kSingle, compat::kH2G, replicas);
  });
}

int put_batch(Store& self, nb::handle keys, nb::handle values, nb::handle config) {
  const Keys names(keys);
  const compat::Replicas replicas = replicas_of(config);
  const nb::tuple objects = read_list(values.ptr(), "values");
  if (objects.size() != names.size()) return compat::kError;
  std::vector<std::unique_ptr<ReadOnly>> held;
  std::vector<ConstPiece> pieces;
  for (const nb::handle object : objects) {
    held.push_back(std::make_unique<ReadOnly>(object));
    pieces.push_back(held.back()->piece());
  }
  std::vector<PutItem> items(names.size());
  for (std::size_t i = 0; i < items.size(); ++i) items[i] = {names[i], {&pieces[i], 1}, {}};
  const auto codes = self.call_batch(items.size(), [&](compat::Store& store) {
    return store.put(items, Form::kFlat, compat::kH2G, replicas);
  });
  const auto bad = std::find_if(codes.begin(), codes.end(), [](int code) { return code != 0; });
  return bad == codes.end() ? int{compat::kDone} : *bad;
}

/// One object from, or into, pieces that are named by numbers.
template <class Item, class P, class F>
int one(Store& self, nb::handle key, const Memory& memory, Form form, F&& work) {
  const std::string_view name = read_text(key.ptr(), "key");
  if (memory.addresses() != memory.sizes()) return refused(1, form).front();
  const auto pieces = memory.pieces<P>();
  Item item;
  item.key = name;
  item.pieces = pieces.front();
  return self.call_one(
      [&](compat::Store& store) { return work(store, std::span<const Item>(&item, 1)); });
}

template <class Item, class P, class F>
std::vector<int> many(Store& self, nb::handle keys, const Memory& memory, Form form, F&& work) {
  const Keys names(keys);
  if (memory.addresses() != names.size() || memory.sizes() != names.size()) {
    return refused(names.size(), form);
  }
  const auto pieces = memory.pieces<P>();
  std::vector<Item> items(names.size());
  for (std::size_t i = 0; i < items.size(); ++i) {
    items[i].key = names[i];
    items[i].pieces = pieces[i];
  }
  return self.call_batch(items.size(), [&](compat::Store& store) {
    return work(store, std::span<const Item>(items));
  });
}

/// One address and size as lists of one.
Memory single(nb::handle address, nb::handle size) {
  const nb::object addresses = nb::steal(PyTuple_Pack(1, address.ptr()));
  const nb::object sizes = nb::steal(PyTuple_Pack(1, size.ptr()));
  return Memory::flat(addresses, sizes);
}

/// The layers of one object.
Memory single_layers(nb::handle addresses, nb::handle sizes) {
  const nb::object all = nb::steal(PyTuple_Pack(1, addresses.ptr()));
  const nb::object bytes = nb::steal(PyTuple_Pack(1, sizes.ptr()));
  return Memory::layers(all, bytes);
}

auto putting(Form form, nb::handle direct, nb::handle config) {
  return [form, way = read_int(direct.ptr(), "direct"), replicas = replicas_of(config)](
             compat::Store& store, std::span<const PutItem> items) {
    return store.put(items, form, way, replicas);
  };
}

auto getting(Form form, nb::handle direct) {
  return [form, way = read_int(direct.ptr(), "direct")](compat::Store& store,
                                                        std::span<const GetItem> items) {
    return store.get(items, form, way);
  };
}

int put_from(Store& self, nb::handle key, nb::handle address, nb::handle size, nb::handle direct,
             nb::handle config) {
  return one<PutItem, ConstPiece>(self, key, single(address, size), Form::kSingle,
                                  putting(Form::kSingle, direct, config));
}

std::vector<int> batch_put_from(Store& self, nb::handle keys, nb::handle addresses,
                                nb::handle sizes, nb::handle direct, nb::handle config) {
  return many<PutItem, ConstPiece>(self, keys, Memory::flat(addresses, sizes), Form::kFlat,
                                   putting(Form::kFlat, direct, config));
}

int put_from_layers(Store& self, nb::handle key, nb::handle addresses, nb::handle sizes,
                    nb::handle direct, nb::handle config) {
  return one<PutItem, ConstPiece>(self, key, single_layers(addresses, sizes), Form::kLayers,
                                  putting(Form::kLayers, direct, config));
}

std::vector<int> batch_put_from_layers(Store& self, nb::handle keys, nb::handle addresses,
                                       nb::handle sizes, nb::handle direct, nb::handle config) {
  return many<PutItem, ConstPiece>(self, keys, Memory::layers(addresses, sizes), Form::kLayers,
                                   putting(Form::kLayers, direct, config));
}

int get_into(Store& self, nb::handle key, nb::handle address, nb::handle size, nb::handle direct) {
  return one<GetItem, Piece>(self, key, single(address, size), Form::kSingle,
                             getting(Form::kSingle, direct));
}

std::vector<int> batch_get_into(Store& self, nb::handle keys, nb::handle addresses,
                                nb::handle sizes, nb::handle direct) {
  return many<GetItem, Piece>(self, keys, Memory::flat(addresses, sizes), Form::kFlat,
                              getting(Form::kFlat, direct));
}

int get_into_layers(Store& self, nb::handle key, nb::handle addresses, nb::handle sizes,
                    nb::handle direct) {
  return one<GetItem, Piece>(self, key, single_layers(addresses, sizes), Form::kLayers,
                             getting(Form::kLayers, direct));
}

std::vector<int> batch_get_into_layers(Store& self, nb::handle keys, nb::handle addresses,
                                       nb::handle sizes, nb::handle direct) {
  return many<GetItem, Piece>(self, keys, Memory::layers(addresses, sizes), Form::kLayers,
                              getting(Form::kLayers, direct));
}

/// The size of a value, and whether it has been read into the room that was made for it.
struct Attempt {
  std::int64_t bytes = compat::kError;
  bool read = false;
};

Attempt read_if_it_fits(compat::Store& store, std::string_view key, const Piece& room) {
  Attempt attempt{store.sizes({&key, 1}).front(), false};
  if (attempt.bytes <= 0 || static_cast<std::uint64_t>(attempt.bytes) > room.bytes) return attempt;
  const Piece exact{room.address, static_cast<std::size_t>(attempt.bytes)};
  const GetItem item{key, {&exact, 1}};
  attempt.read = store.get({&item, 1}, Form::kSingle, compat::kG2H).front() == compat::kDone;
  return attempt;
}

/// b"" for what cannot be had. The room is guessed, so that a get takes the GIL once.
nb::object get_value(Store& self, std::string_view key) {
  std::size_t room = self.room().bytes();
  for (int round = 0; round < 2; ++round) {
    Bytes bytes;
    if (!bytes.reserve(room)) break;
    const Piece piece = bytes.piece();
    const Attempt attempt = self.call(
        Attempt{}, [&](compat::Store& store) { return read_if_it_fits(store, key, piece); });
    if (attempt.read) {
      self.room().learn(static_cast<std::size_t>(attempt.bytes));
      return bytes.take(static_cast<std::size_t>(attempt.bytes));
    }
    if (attempt.bytes <= static_cast<std::int64_t>(room)) break;
    room = static_cast<std::size_t>(attempt.bytes);
  }
  return nb::bytes("", 0);
}

nb::object get(Store& self, nb::handle key) { return get_value(self, read_text(key.ptr(), "key")); }

nb::object get_batch(Store& self, nb::handle keys) {
  const Keys names(keys);
  const auto sizes = self.call(std::vector<std::int64_t>(names.size(), compat::kError),
                               [&](compat::Store& store) { return store.sizes(names.span()); });
  std::vector<Bytes> values(names.size());
  std::vector<std::size_t> wanted;
  std::vector<Piece> pieces;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (sizes[i] <= 0 || !values[i].reserve(static_cast<std::size_t>(sizes[i]))) continue;
    wanted.push_back(i);
    pieces.push_back(values[i].piece());
  }
  std::vector<GetItem> items(wanted.size());
  for (std::size_t i = 0; i < items.size(); ++i) items[i] = {names[wanted[i]], {&pieces[i], 1}};
  const auto codes = self.call_batch(items.size(), [&](compat::Store& store) {
    return store.get(items, Form::kLayers, compat::kG2H);
  });
  std::vector<bool> good(names.size(), false);
  for (std::size_t i = 0; i < codes.size() && i < wanted.size(); ++i) {
    good[wanted[i]] = codes[i] == compat::kDone;
  }
  return make_list(names.size(), [&](std::size_t i) {
    return good[i] ? values[i].take(static_cast<std::size_t>(sizes[i])) : nb::bytes("", 0);
  });
}

int remove(Store& self, nb::handle key) {
  const std::string_view name = read_text(key.ptr(), "key");
  return self.call_one([&](compat::Store& store) { return store.remove({&name, 1}); });
}

std::vector<int> remove_batch(Store& self, nb::handle keys) {
  const Keys names(keys);
  return self.call_batch(names.size(),
                         [&](compat::Store& store) { return store.remove(names.span()); });
}

int remove_all(Store& self) {
  return self.call(int{compat::kError}, [](compat::Store& store) { return store.remove_all(); });
}

int is_exist(Store& self, nb::handle key) {
  const std::string_view name = read_text(key.ptr(), "key");
  return self.call_one([&](compat::Store& store) { return store.exists({&name, 1}); });
}

std::vector<int> batch_is_exist(Store& self, nb::handle keys) {
  const Keys names(keys);
  return self.call_batch(names.size(),
                         [&](compat::Store& store) { return store.exists(names.span()); });
}

KeyInfo get_key_info(Store& self, nb::handle key, nb::handle flag) {
  const std::string_view name = read_text(key.ptr(), "key");
  read_unsigned(flag.ptr(), "flag");
  return {self.call(compat::KeyFacts{}, [&](compat::Store& store) {
    return store.facts({&name, 1}).front();
  })};
}

nb::object batch_get_key_info(Store& self, nb::handle keys, nb::handle flag) {
  const Keys names(keys);
  read_unsigned(flag.ptr(), "flag");
  auto facts = self.call(std::vector<compat::KeyFacts>(names.size()),
                         [&](compat::Store& store) { return store.facts(names.span()); });
  return make_list(names.size(),
                   [&](std::size_t i) { return nb::cast(KeyInfo{std::move(facts[i])}); });
}

int register_buffer(Store& self, nb::handle address, nb::handle size) {
  const std::uint64_t begin = read_unsigned(address.ptr(), "buffer_ptr");
  const std::uint64_t bytes = read_unsigned(size.ptr(), "size");
  return self.call(int{compat::kError},
                   [&](compat::Store& store) { return store.register_buffer(begin, bytes); });
}

std::uint32_t rank(Store& self) {
  return self.call(compat::Membership::kNoRank, [](compat::Store& store) { return store.rank(); });
}

std::vector<std::uint64_t> batch_alloc(Store& self, nb::handle keys, nb::handle sizes,
                                       nb::handle media, nb::handle lease) {
  const Keys names(keys);
  const auto bytes = read_unsigned_list(sizes, "sizes");
  read_unsigned(media.ptr(), "media");
  const std::uint64_t ttl = read_unsigned(lease.ptr(), "leaseTtlMs");
  return self.call(std::vector<std::uint64_t>(names.size(), 0),
                   [&](compat::Store& store) { return store.allocate(names.span(), bytes, ttl); });
}

int copy(Store& self, const std::vector<std::uint64_t>& gvas, const Memory& memory, int direct) {
  if (memory.addresses() != gvas.size() || memory.sizes() != gvas.size()) return compat::kError;
  std::vector<compat::BlobCopy> copies;
  const auto pieces = memory.pieces<Piece>();
  for (std::size_t i = 0; i < gvas.size(); ++i) {
    std::uint64_t gva = gvas[i];
    for (const Piece& piece : pieces[i]) {
      copies.push_back({gva, piece});
      gva += piece.bytes;  // layers lie one behind the other
    }
  }
  return self.call(int{compat::kError},
                   [&](compat::Store& store) { return store.copy(copies, direct); });
}

int batch_copy(Store& self, nb::handle gvas, nb::handle addresses, nb::handle sizes,
               nb::handle direct) {
  return copy(self, read_unsigned_list(gvas, "gva_ptrs"), Memory::flat(addresses, sizes),
              read_int(direct.ptr(), "direct"));
}

int batch_copy_layers(Store& self, nb::handle gvas, nb::handle addresses, nb::handle sizes,
                      nb::handle direct) {
  return copy(self, read_unsigned_list(gvas, "gva_ptrs"), Memory::layers(addresses, sizes),
              read_int(direct.ptr(), "direct"));
}

std::vector<int> batch_write_finish(Store& self, nb::handle keys, nb::handle results) {
  const Keys names(keys);
  const nb::tuple items = read_list(results.ptr(), "res");
  std::vector<int> codes;
  for (const nb::handle result : items) codes.push_back(read_int(result.ptr(), "res"));
  return self.call_batch(names.size(),
                         [&](compat::Store& store) { return store.finish(names.span(), codes); });
}

std::vector<int> batch_add_lease(Store& self, nb::handle keys, nb::handle lease) {
  const Keys names(keys);
  const std::uint64_t ttl = read_unsigned(lease.ptr(), "leaseTtlMs");
  return self.call_batch(names.size(),
                         [&](compat::Store& store) { return store.add_lease(names.span(), ttl); });
}

int batch_remove_lease(Store& self, nb::handle keys) {
  const Keys names(keys);
  return self.call(int{compat::kError},
                   [&](compat::Store& store) { return store.remove_lease(names.span()); });
}

}  // namespace

void bind_store(nb::module_& module) {
  nb::class_<Store> type(
      module, "DistributedObjectStore", nb::is_weak_referenceable(),
      "A store of a pool: setup(LocalConfig) or the file of MMC_LOCAL_CONFIG_PATH, then init.\n"
      "Calls answer codes (0: done) and never raise for what goes wrong in the pool; they let go\n"
      "of the GIL and may come from many threads. Stores of one process are independent.");
  const auto config = nb::arg("replicateConfig") = nb::none();
  const auto put_way = nb::arg("direct") = int{compat::kH2G};
  const auto get_way = nb::arg("direct") = int{compat::kG2H};
  const auto key = nb::arg("key").none(), keys = nb::arg("keys").none();
  const auto pointer = nb::arg("buffer_ptr").none(), pointers = nb::arg("buffer_ptrs").none();
  const auto size = nb::arg("size").none(), sizes = nb::arg("sizes").none();
  const auto gvas = nb::arg("gva_ptrs").none();
  const auto flag = nb::arg("flag") = 0;
  const auto lease = nb::arg("leaseTtlMs") = 0;

  type.def(nb::init<>());
  type.def("setup", setup, nb::arg("config").none(),
           "Takes the configuration. 0, or -3000 for one that cannot be used.");
  type.def(
      "init", init, nb::arg("device_id").none(), nb::arg("init_bm").none() = true,
      "Joins the pool, with memory of its own unless init_bm is False. 0 once it can be used.");
  type.def("close", close, "Leaves the pool; what its memory held is gone. Always 0.");
  type.def("get_local_service_id", rank, "The own rank; 4294967295 before init.");
  type.def("put", put, key, nb::arg("buf").none(), config,
           "Stores a bytes-like object. 0 also for a key that is there already: its value stays.");
  type.def("put_batch", put_batch, keys, nb::arg("values").none(), config,
           "put for many: 0, or the first code that is not.");
  type.def("put_from", put_from, key, pointer, size, put_way, config,
           "Stores `size` bytes from an address.");
  type.def("batch_put_from", batch_put_from, keys, pointers, sizes, put_way, config,
           "put_from for many: a code per key.");
  type.def("put_from_layers", put_from_layers, key, pointers, sizes, put_way, config,
           "Stores the pieces at many addresses, one behind the other.");
  type.def("batch_put_from_layers", batch_put_from_layers, keys, pointers, sizes, put_way, config,
           "put_from_layers for many, a list of pieces each: a code per key.");
  type.def("get", get, "The value as bytes; b'' when it cannot be had.");
  type.def("get_batch", get_batch, "get for many.");
  type.def("get_into", get_into, key, pointer, size, get_way,
           "Reads a value of exactly `size` bytes to an address: 0, or a code.");
  type.def("batch_get_into", batch_get_into, keys, pointers, sizes, get_way,
           "get_into for many: a code per key.");
  type.def("get_into_layers", get_into_layers, key, pointers, sizes, get_way,
           "Reads a value to the pieces at many addresses.");
  type.def("batch_get_into_layers", batch_get_into_layers, keys, pointers, sizes, get_way,
           "get_into_layers for many: a code per key.");
  type.def("remove", remove, "0, or -3102 when it is not there.");
  type.def("remove_batch", remove_batch, "remove for many: a code per key.");
  type.def("remove_all", remove_all, "Empties the pool. 0, or a code.");
  type.def("is_exist", is_exist, "1 there, 0 not there, negative when it cannot be told.");
  type.def("batch_is_exist", batch_is_exist, keys, "is_exist for many.");
  type.def("get_key_info", get_key_info, key, flag, "Size and places; size 0 when not there.");
  type.def("batch_get_key_info", batch_get_key_info, keys, flag, "get_key_info for many.");
  type.def("register_buffer", register_buffer, pointer, size,
           "Memory need not be registered: 0, or -3000 for none at all.");
  type.def("unregister_buffer", register_buffer, pointer, size, "The same.");
  type.def(
      "batch_alloc", batch_alloc, keys, sizes, nb::arg("media") = 1, lease,
      "Space for objects that are written piece by piece: a global address per key, 0 when it\n"
      "cannot be had or the key is there. Given up when it is not finished in leaseTtlMs.");
  type.def("batch_copy", batch_copy, gvas, pointers, sizes, nb::arg("direct") = 1,
           "Copies between global addresses and memory (direct 0, 3: to the pool; 1, 2: from it).\n"
           "0, or the first code. What is read is verified.");
  type.def("batch_copy_layers", batch_copy_layers, gvas, pointers, sizes, nb::arg("direct") = 1,
           "batch_copy with many pieces per address, one behind the other in the pool.");
  type.def("batch_write_finish", batch_write_finish, keys, nb::arg("res").none(),
           "Publishes what batch_alloc began (res 0), or gives it up: a code per key.");
  type.def("batch_add_lease", batch_add_lease, keys, lease,
           "Lets batch_copy read objects for leaseTtlMs (0: 10 s) and keeps them: a code per key.");
  type.def("batch_remove_lease", batch_remove_lease, keys,
           "Ends leases: 0, or -3106 when one was over already.");
}

}  // namespace aquifer::python::memcache
