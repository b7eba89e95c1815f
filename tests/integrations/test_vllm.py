"""The vLLM connector against a pool, driven by a loop that calls it as vLLM's engine does."""

import sys
from types import SimpleNamespace

import fake_torch
import numpy as np
import pytest

from aquifer.integrations._vllm_interface import KVConnectorRole
from aquifer.integrations.vllm import AquiferConnector

BLOCK, BLOCKS, LAYERS, HEADS, WIDTH = 4, 32, 3, 2, 8


def config(options, rank=0, tp=1, pp=1, kv_role="kv_both", mla=False, async_scheduling=False,
           **parallel):
    return SimpleNamespace(
        scheduler_config=SimpleNamespace(async_scheduling=async_scheduling),
        kv_transfer_config=SimpleNamespace(
            kv_connector_extra_config=options,
            is_kv_producer=kv_role in ("kv_producer", "kv_both"),
            is_kv_consumer=kv_role in ("kv_consumer", "kv_both")),
        model_config=SimpleNamespace(model="org/model", dtype=np.dtype(np.float16), use_mla=mla),
        cache_config=SimpleNamespace(block_size=BLOCK, cache_dtype="auto", num_gpu_blocks=BLOCKS),
        device_config=SimpleNamespace(device_type="cpu"),
        parallel_config=SimpleNamespace(
            rank=rank, tensor_parallel_size=tp, pipeline_parallel_size=pp, **parallel))


def request(tokens, name="r", **more):
    return SimpleNamespace(
        request_id=name, prompt_token_ids=list(tokens), all_token_ids=list(tokens),
        num_tokens=len(tokens), num_computed_tokens=0, lora_request=None,
        status=SimpleNamespace(name="RUNNING"), **more)


def content(tokens, end, layer, rank, half):
    """What a model would have computed: it depends on all tokens up to the end of the block."""
    seed = [*tokens[:end], 1000 + layer, 2000 + rank, 3000 + half]
    return np.random.default_rng(seed).integers(0, 1000, (BLOCK, HEADS, WIDTH))


class Vllm:
    """A vLLM with one scheduler and a worker per rank. Its memory starts as garbage."""

    def __init__(self, options, tp=1, pp=1, device="cpu", halves_first=True, **more):
        self.halves_first = halves_first
        group = SimpleNamespace(num_blocks=BLOCKS, kv_cache_groups=[object()])
        self.scheduler = AquiferConnector(config(options, tp=tp, pp=pp, **more),
                                          KVConnectorRole.SCHEDULER, group)
        self.workers, self.caches = [], []
        for rank in range(tp * pp):
            worker = AquiferConnector(config(options, rank, tp, pp, **more),
                                      KVConnectorRole.WORKER, group)
            caches = {f"layers.{i}": self._cache(device) for i in range(LAYERS)}
            worker.register_kv_caches(caches)
            self.workers.append(worker)
            self.caches.append(caches)
        self._next = 1

    def _cache(self, device):
        shape = [BLOCKS, BLOCK, HEADS, WIDTH]
        shape.insert(0 if self.halves_first else 1, 2)
        return fake_torch.Tensor(np.full(shape, 99, np.float16), device)

    def block(self, rank, layer, half, number):
        cache = self.caches[rank][f"layers.{layer}"].array
        return cache[half, number] if self.halves_first else cache[number, half]

    def allocate(self, count):
        if self._next + count > BLOCKS:
            self._next = 1
        self._next += count
        return list(range(self._next - count, self._next))

    def serve(self, one, local=0, chunks=None, table=None, answer=(), end="FINISHED_STOPPED"):
        """A request from its look-up to its end. Returns how many tokens were matched, the blocks
        that failed, and the table. What has failed is computed again, as vLLM does it."""
        matched, later = self.scheduler.get_num_new_matched_tokens(one, local)
        assert later is False
        table = table or self.allocate(-(-(len(one.all_token_ids) + len(answer)) // BLOCK))
        self.scheduler.update_state_after_alloc(one, table, matched)
        one.num_computed_tokens = local + matched
        failed = self.step(one, table, *(chunks or [None])[:1], new=True)
        for count in (chunks or [])[1:]:
            failed |= self.step(one, table, count)
        if failed and end != "FINISHED_ERROR":
            one.num_computed_tokens = min(table.index(block) for block in failed) * BLOCK
            self.step(one, table)
        for token in answer:
            one.all_token_ids.append(token)
            one.num_tokens += 1
            self.step(one, table)
        self.finish(one, table, end)
        return matched, failed, table

    def finish(self, one, table, end="FINISHED_STOPPED"):
        """The end of a request, and the step after it, which computes nothing."""
        one.all_token_ids.append(7)
        one.num_tokens += 1
        one.status.name = end
        waits, _ = self.scheduler.request_finished(one, table)
        metadata = self.scheduler.build_connector_meta(self.output())
        for worker in self.workers:
            worker.bind_connector_metadata(metadata)
            worker.start_load_kv(None)
            ended, _ = worker.get_finished({one.request_id})
            assert ended == ({one.request_id} if waits else None)
            worker.clear_connector_metadata()

    @staticmethod
    def output(**more):
        """A SchedulerOutput with nothing in it."""
        cached = SimpleNamespace(req_ids=[], new_block_ids=[], num_computed_tokens=[],
                                 resumed_req_ids=set())
        more.setdefault("scheduled_cached_reqs", cached)
        return SimpleNamespace(scheduled_new_reqs=[], **more)

    def step(self, one, table, count=None, new=False):
        """Computes the next `count` tokens, or all; returns the blocks that failed to load."""
        done = one.num_computed_tokens
        count = count or one.num_tokens - done
        output = self.output()
        if new:
            output.scheduled_new_reqs.append(SimpleNamespace(
                req_id=one.request_id, block_ids=(table,), num_computed_tokens=done))
        else:
            cached = output.scheduled_cached_reqs
            cached.req_ids.append(one.request_id)
            cached.new_block_ids.append(None)
            cached.num_computed_tokens.append(done)
        metadata = self.scheduler.build_connector_meta(output)
        failed = set()
        for worker in self.workers:
            worker.bind_connector_metadata(metadata)
            worker.start_load_kv(None)
            failed |= worker.get_block_ids_with_load_errors()
        for rank, worker in enumerate(self.workers):
            for i in range(LAYERS):
                worker.wait_for_layer_load(f"layers.{i}")
                self.compute(rank, i, one, table, done, count, spoiled=bool(failed))
                worker.save_kv_layer(f"layers.{i}", self.caches[rank][f"layers.{i}"], None)
            worker.wait_for_save()
            assert worker.get_finished(set()) == (None, None)
            worker.clear_connector_metadata()
        one.num_computed_tokens = done + count
        return failed

    def compute(self, rank, layer, one, table, done, count, spoiled):
        for i in range(done // BLOCK, (done + count) // BLOCK):
            for half in (0, 1):
                right = content(one.all_token_ids, (i + 1) * BLOCK, layer, rank, half)
                self.block(rank, layer, half, table[i])[...] = -1 if spoiled else right

    def holds(self, one, table):
        """Whether the blocks of a prompt have what the model would have computed."""
        tokens = one.prompt_token_ids
        return all(
            np.array_equal(self.block(rank, layer, half, table[i]),
                           content(tokens, (i + 1) * BLOCK, layer, rank, half))
            for rank in range(len(self.workers)) for layer in range(LAYERS) for half in (0, 1)
            for i in range(len(tokens) // BLOCK))


@pytest.fixture(autouse=True)
def torch(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", fake_torch)


TOKENS = list(range(100, 122))  # five blocks and a half


@pytest.mark.parametrize("division", [{}, {"tp": 2}, {"pp": 2}, {"tp": 2, "pp": 2}])
@pytest.mark.parametrize("halves_first", [True, False])
@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_another_vllm_loads_what_one_has_saved(options, division, halves_first, device):
    one, two = (Vllm(options, **division, halves_first=halves_first, device=device)
                for _ in range(2))
    two.allocate(7)  # so that blocks go to other places
    assert one.serve(request(TOKENS))[0] == 0
    matched, failed, table = two.serve(request(TOKENS))
    assert (matched, failed) == (20, set())
    assert two.holds(request(TOKENS), table)


def test_k_and_v_apart_or_together_are_the_same_bytes(options):
    one, two = Vllm(options, halves_first=True), Vllm(options, halves_first=False)
    one.serve(request(TOKENS))
    matched, _, table = two.serve(request(TOKENS))
    assert matched == 20 and two.holds(request(TOKENS), table)


def test_a_token_is_left_to_compute(options):
    one = Vllm(options)
    one.serve(request(TOKENS[:20]))
    assert Vllm(options).serve(request(TOKENS[:20]))[0] == 16


def test_what_the_engine_has_itself_is_not_loaded(options):
    one = Vllm(options)
    _, _, table = one.serve(request(TOKENS))
    two = Vllm(options)
    assert two.scheduler.get_num_new_matched_tokens(request(TOKENS), 8) == (12, False)
    matched, _, _ = one.serve(request(TOKENS, "again"), local=20, table=table)
    assert matched == 0


def test_blocks_of_the_engine_that_the_pool_lacks_are_saved(options, client):
    one = Vllm(options)
    _, _, table = one.serve(request(TOKENS))
    client.clear()
    one.serve(request(TOKENS, "again"), local=20, table=table)
    assert Vllm(options).serve(request(TOKENS))[0] == 20


def test_a_prompt_in_chunks_is_saved_as_it_grows(options):
    one = Vllm(options)
    one.serve(request(TOKENS), chunks=[6, 6, 10])
    two = Vllm(options)
    matched, _, table = two.serve(request(TOKENS))
    assert matched == 20 and two.holds(request(TOKENS), table)


def test_another_end_matches_the_common_blocks(options):
    Vllm(options).serve(request(TOKENS))
    two, other = Vllm(options), request([*TOKENS[:10], *range(500, 512)])
    matched, _, table = two.serve(other)
    assert matched == 8 and two.holds(other, table)


def test_salt_adapter_and_images_make_other_blocks(options):
    Vllm(options).serve(request(TOKENS))

    def matched(**more):
        return Vllm(options).serve(request(TOKENS, **more))[0]

    def image(name, offset):
        place = SimpleNamespace(offset=offset, length=4)
        return {"mm_features": [SimpleNamespace(identifier=name, mm_position=place)]}

    assert matched() == 20
    assert matched(cache_salt="mine") == 0
    assert matched(cache_salt="mine") == 20
    assert matched(**image("a", 9)) == 8
    assert matched(**image("a", 9)) == 20
    assert matched(**image("b", 9)) == 8
    adapted = request(TOKENS)
    adapted.lora_request = SimpleNamespace(lora_name="adapter")
    assert Vllm(options).serve(adapted)[0] == 0


def test_prompts_whose_probabilities_are_asked_for_match_nothing(options):
    Vllm(options).serve(request(TOKENS))
    asked = request(TOKENS, sampling_params=SimpleNamespace(prompt_logprobs=1))
    assert Vllm(options).serve(asked)[0] == 0


def test_with_mla_one_rank_saves_for_all(options):
    Vllm(options, tp=2, mla=True).serve(request(TOKENS))
    many = Vllm(options, tp=4, mla=True)
    assert many.scheduler.get_num_new_matched_tokens(request(TOKENS), 0) == (20, False)
    saved = Vllm(options, tp=2, mla=True)
    saved.serve(request(range(300, 322)))
    assert [w.traffic()["written"]["done"] for w in saved.workers] == [5, 0]


def test_roles(options):
    Vllm(options, kv_role="kv_consumer").serve(request(TOKENS))
    assert Vllm(options).scheduler.get_num_new_matched_tokens(request(TOKENS), 0) == (0, False)
    producer = Vllm(options, kv_role="kv_producer")
    assert producer.serve(request(TOKENS))[0] == 0
    assert producer.serve(request(TOKENS))[0] == 0
    assert Vllm(options, kv_role="kv_consumer").serve(request(TOKENS))[0] == 20


def test_a_block_of_which_a_rank_lacks_its_part_ends_the_match(options, client):
    Vllm(options, tp=2).serve(request(TOKENS))
    keys = [key for key in client.iter_keys() if "tp1of2" in key]
    client.remove_batch(keys[:1])
    matched = Vllm(options, tp=2).serve(request(TOKENS))[0]
    assert matched < 20 and matched % BLOCK == 0


def test_the_answer_is_saved_too(options):
    answer = list(range(50, 57))
    Vllm(options).serve(request(TOKENS), answer=answer)
    two, next_prompt = Vllm(options), request([*TOKENS, *answer, *range(60, 66)])
    matched, _, table = two.serve(next_prompt)
    assert matched == 28 and two.holds(next_prompt, table)


def test_a_prompt_is_saved_while_its_answer_is_made(options):
    one, asked = Vllm(options), request(TOKENS)
    assert one.scheduler.get_num_new_matched_tokens(asked, 0) == (0, False)
    table = one.allocate(7)
    one.scheduler.update_state_after_alloc(asked, table, 0)
    one.step(asked, table, new=True)
    matched = Vllm(options).scheduler.get_num_new_matched_tokens
    assert matched(request(TOKENS), 0) == (0, False)
    asked.all_token_ids.append(7)
    asked.num_tokens += 1
    one.step(asked, table)
    assert matched(request(TOKENS), 0) == (20, False)


@pytest.mark.parametrize("ahead", [{"async_scheduling": True}, {"pp": 2}])
def test_a_vllm_that_plans_ahead_saves_at_the_end(options, ahead):
    one, asked = Vllm(options, **ahead), request(TOKENS)
    one.scheduler.get_num_new_matched_tokens(asked, 0)
    table = one.allocate(7)
    one.scheduler.update_state_after_alloc(asked, table, 0)
    one.step(asked, table, new=True)
    for _ in range(3):
        asked.all_token_ids.append(7)
        asked.num_tokens += 1
        one.step(asked, table)
    matched = Vllm(options, **ahead).scheduler.get_num_new_matched_tokens
    assert matched(request(TOKENS), 0) == (0, False)
    one.finish(asked, table)
    assert matched(request(TOKENS), 0) == (20, False)


@pytest.mark.parametrize("end", ["FINISHED_ABORTED", "FINISHED_ERROR", "FINISHED_IGNORED"])
def test_what_has_not_ended_well_is_not_saved(options, end):
    Vllm(options).serve(request(TOKENS), end=end)
    assert Vllm(options).scheduler.get_num_new_matched_tokens(request(TOKENS), 0) == (0, False)


def losing(vllm, rank, client, number):
    """Takes one block from the pool between the look-up and the load of one worker."""
    store = vllm.workers[rank]._store
    read = store.read

    def read_after_removal(keys, places):
        client.remove(keys[number])
        store.read = read
        return read(keys, places)

    store.read = read_after_removal


@pytest.mark.parametrize("rank", [0, 1])
@pytest.mark.parametrize("answer", [(), (1, 2, 3)])
def test_what_a_failed_load_has_spoiled_is_never_found(options, client, rank, answer):
    Vllm(options, tp=2).serve(request(TOKENS))
    two, longer = Vllm(options, tp=2), request([*TOKENS[:20], *range(200, 222)], "long")
    losing(two, rank, client, 2)
    matched, failed, table = two.serve(longer, answer=answer)
    assert (matched, failed) == (20, {table[2]})
    three, again = Vllm(options, tp=2), request(longer.prompt_token_ids)
    matched, failed, table = three.serve(again)
    assert (matched, failed) == (40, set())
    assert three.holds(again, table)


def test_a_request_that_a_failed_load_has_ended_saves_nothing(options, client):
    Vllm(options, tp=2).serve(request(TOKENS))
    two, longer = Vllm(options, tp=2), request([*TOKENS[:20], *range(200, 222)], "long")
    losing(two, 1, client, 2)
    two.serve(longer, end="FINISHED_ERROR")
    Vllm(options, tp=2).serve(request(TOKENS))
    three, again = Vllm(options, tp=2), request(longer.prompt_token_ids)
    matched, failed, table = three.serve(again)
    assert (matched, failed) == (20, set())
    assert three.holds(again, table)


@pytest.mark.parametrize("newer", [True, False])
def test_a_request_that_was_preempted_starts_with_a_new_table(options, newer):
    vllm, one = Vllm(options), request(TOKENS)
    first, second = vllm.allocate(6), vllm.allocate(6)
    assert vllm.scheduler.get_num_new_matched_tokens(one, 0) == (0, False)
    vllm.scheduler.update_state_after_alloc(one, first, 0)
    vllm.step(one, first, 8, new=True)
    vllm.step(one, first, 4)
    assert vllm.scheduler.get_num_new_matched_tokens(one, 0) == (8, False)
    vllm.scheduler.update_state_after_alloc(one, second, 8)
    cached = SimpleNamespace(req_ids=["r"], new_block_ids=[(second,)], num_computed_tokens=[8],
                             resumed_from_preemption=[True])
    if newer:
        cached.resumed_req_ids = {"r"}
    metadata = vllm.scheduler.build_connector_meta(vllm.output(scheduled_cached_reqs=cached))
    assert [load.blocks for load in metadata.loads] == [second[:2]]
    assert metadata.saves == []
    one.num_computed_tokens = 22
    vllm.finish(one, second)
    assert Vllm(options).scheduler.get_num_new_matched_tokens(request(TOKENS), 0) == (20, False)


def test_blocks_that_vllm_has_given_up_are_not_saved(options, client):
    vllm, one = Vllm(options), request(TOKENS)
    table = [0, 0, *vllm.allocate(4)]
    vllm.serve(one, table=table)
    assert len(list(client.iter_keys())) == 3


def test_after_shutdown_everything_is_a_miss(options):
    vllm = Vllm(options)
    vllm.serve(request(TOKENS))
    for one in (vllm.scheduler, *vllm.workers):
        one.shutdown()
    assert vllm.serve(request(TOKENS))[:2] == (0, set())


def test_a_pool_that_is_not_there(absent_meta):
    vllm = Vllm({"meta": absent_meta, "timeout": 1})
    assert vllm.serve(request(TOKENS))[:2] == (0, set())


def test_a_pool_that_is_killed_between_look_up_and_load(processes):
    solo = processes.solo()
    options = {"meta": processes.meta_address, "timeout": 1}
    Vllm(options).serve(request(TOKENS))
    two, asked = Vllm(options), request(TOKENS)
    matched, _ = two.scheduler.get_num_new_matched_tokens(asked, 0)
    assert matched == 20
    solo.kill()
    table = two.allocate(6)
    two.scheduler.update_state_after_alloc(asked, table, matched)
    asked.num_computed_tokens = matched
    assert two.step(asked, table, new=True) == set(table[:5])
    assert two.serve(request(TOKENS, "later"))[:2] == (0, set())


def test_what_is_not_supported_is_refused_at_the_start(options):
    with pytest.raises(ValueError, match="decode_context_parallel_size"):
        AquiferConnector(config(options, decode_context_parallel_size=2), KVConnectorRole.WORKER)
    groups = SimpleNamespace(num_blocks=BLOCKS, kv_cache_groups=[1, 2])
    with pytest.raises(ValueError, match="one group"):
        AquiferConnector(config(options), KVConnectorRole.WORKER, groups)
    worker = AquiferConnector(config(options), KVConnectorRole.WORKER)
    for array in (np.zeros((3, BLOCKS, 4)), np.zeros(7), np.zeros((BLOCKS, 4, 8))[:, :, ::2]):
        with pytest.raises(ValueError, match="layer one"):
            worker.register_kv_caches({"one": fake_torch.Tensor(array)})
    with pytest.raises(ValueError, match="layer one"):
        worker.register_kv_caches({"one": [object()]})
