import errno
import mmap
import os
import struct
import subprocess
from collections.abc import Callable

import pytest

from krsi.bpf import batch, libbpf
from krsi.bpf.maps import Map, MapShape
from krsi.bpf.object import Loaded
from krsi.bpf.uapi import MapFlag, MapType, UpdateFlag
from krsi.errors import AbiError, KernelError


def key(number: int) -> bytes:
    return struct.pack("=I", number)


def value(number: int) -> bytes:
    return struct.pack("=Q", number)


def test_a_hash_gives_back_what_was_put_in(loaded: Loaded) -> None:
    """
    Lookup, update, delete; what is not there is None, and deleting it is False.
    """
    entries = loaded.maps["hash"]
    assert entries.lookup(key(1)) is None
    entries.update(key(1), value(10))
    assert value(10) == entries.lookup(key(1))
    entries.update(key(1), value(11))
    assert value(11) == entries.lookup(key(1))
    assert entries.delete(key(1))
    assert not entries.delete(key(1))
    assert entries.lookup(key(1)) is None


def test_flags_say_whether_an_entry_may_be_there(loaded: Loaded) -> None:
    """
    NOEXIST refuses an entry that is there, EXIST one that is not.
    """
    entries = loaded.maps["hash"]
    with pytest.raises(KernelError, match="update map 'hash'") as caught:
        entries.update(key(1), value(1), UpdateFlag.EXIST)
    assert caught.value.errno == errno.ENOENT
    entries.update(key(1), value(1), UpdateFlag.NOEXIST)
    with pytest.raises(KernelError) as caught:
        entries.update(key(1), value(1), UpdateFlag.NOEXIST)
    assert caught.value.errno == errno.EEXIST


@pytest.mark.parametrize(
    "use",
    [
        lambda entries: entries.lookup(b"123"),
        lambda entries: entries.lookup(b"12345"),
        lambda entries: entries.update(b"1234", b"1"),
        lambda entries: entries.update(b"", value(1)),
        lambda entries: entries.delete(b"1"),
        lambda entries: entries.take(b"1"),
        lambda entries: entries.next_key(b"1"),
        lambda entries: batch.write(entries, {b"123": value(1), b"12345": value(2)}),
        lambda entries: batch.write(entries, {b"1234": b"1"}),
        lambda entries: batch.delete(entries, [b"1"]),
    ],
)
def test_keys_and_values_of_another_size_are_refused(loaded: Loaded, use: Callable[[Map], object]) -> None:
    """
    The kernel would read beyond them; the error says whose they are and how long they must be.
    """
    with pytest.raises(AbiError, match="map 'hash' takes"):
        use(loaded.maps["hash"])


def test_a_full_map_says_so(loaded: Loaded) -> None:
    """
    One entry more than there is room for is E2BIG.
    """
    with Map.create("small", MapShape(MapType.HASH, 4, 4, 2)) as small:
        small.update(key(1), key(1))
        small.update(key(2), key(1))
        with pytest.raises(KernelError, match="update map 'small'") as caught:
            small.update(key(3), key(1))
        assert caught.value.errno == errno.E2BIG


def test_walking_gives_every_entry_once(loaded: Loaded) -> None:
    """
    Keys and entries, one by one and as a batch, are the same.
    """
    entries = loaded.maps["hash"]
    expected = {key(number): value(number) for number in range(1000)}
    for name, content in expected.items():
        entries.update(name, content)
    assert expected == dict(entries.items())
    assert sorted(expected) == sorted(entries.keys())
    assert expected == batch.read(entries)


def test_walking_while_entries_go_ends(loaded: Loaded) -> None:
    """
    Deleting every entry as it is shown shows each once, although the kernel begins again each time.
    """
    entries = loaded.maps["hash"]
    for number in range(500):
        entries.update(key(number), value(number))
    shown = []
    for name in entries.keys():  # noqa: SIM118  it is not a dict
        shown.append(name)
        entries.delete(name)
    assert 500 == len(shown) == len(set(shown))


def test_batches_write_and_delete_what_single_calls_would(loaded: Loaded) -> None:
    """
    More entries than one system call takes arrive, and of those to be deleted the ones that are not there do no harm.
    """
    entries = loaded.maps["hash"]
    expected = {key(number): value(number) for number in range(batch.CHUNK + 100)}
    batch.write(entries, expected)
    assert expected == batch.read(entries)
    batch.delete(entries, [key(number) for number in range(50, 2 * batch.CHUNK)])
    assert {key(number): value(number) for number in range(50)} == batch.read(entries)


def test_a_batch_that_fails_says_how_far_it_got(loaded: Loaded) -> None:
    """
    The error has the number of entries that were set.
    """
    with Map.create("small", MapShape(MapType.HASH, 4, 4, 2)) as small:
        with pytest.raises(KernelError, match="2 entries of 3 done") as caught:
            batch.write(small, {key(number): key(number) for number in range(3)})
        assert caught.value.errno == errno.E2BIG


def test_kinds_without_batches_are_walked(loaded: Loaded) -> None:
    """
    A longest-prefix trie, whatever this kernel's batches can do, is written, read and emptied all the same.
    """
    trie = loaded.maps["lpm"]
    expected = {struct.pack("=I4B", 8, net, 0, 0, 0): key(net) for net in range(10)}
    batch.write(trie, expected)
    assert expected == batch.read(trie)
    batch.delete(trie, expected)
    assert batch.read(trie) == {}


def test_a_full_bucket_does_not_stop_a_batch() -> None:
    """
    A map with more entries than a batch has room for is read whole.
    """
    count = 4 * batch.CHUNK
    with Map.create("large", MapShape(MapType.HASH, 4, 4, count)) as large:
        expected = {key(number): key(number) for number in range(count)}
        batch.write(large, expected)
        assert expected == batch.read(large)


def test_a_trie_finds_the_longest_prefix(loaded: Loaded) -> None:
    """
    10.1.2.3 is in 10.0.0.0/8 and in 10.1.0.0/16; the second one answers.
    """
    trie = loaded.maps["lpm"]
    trie.update(struct.pack("=I4B", 8, 10, 0, 0, 0), key(8))
    trie.update(struct.pack("=I4B", 16, 10, 1, 0, 0), key(16))
    assert key(16) == trie.lookup(struct.pack("=I4B", 32, 10, 1, 2, 3))
    assert key(8) == trie.lookup(struct.pack("=I4B", 32, 10, 2, 2, 3))
    assert trie.lookup(struct.pack("=I4B", 32, 11, 2, 2, 3)) is None


def test_a_queue_gives_the_first_and_a_stack_the_last(loaded: Loaded) -> None:
    """
    Neither has keys; both say None when they are empty and E2BIG when they are full.
    """
    for name, first, second in (("queue", 1, 2), ("stack", 2, 1)):
        entries = loaded.maps[name]
        assert entries.pop() is None
        entries.push(value(1))
        entries.push(value(2))
        with pytest.raises(KernelError) as caught:
            entries.push(value(3))
        assert caught.value.errno == errno.E2BIG
        assert value(first) == entries.lookup()
        assert value(first) == entries.pop()
        assert value(second) == entries.pop()


def test_large_values_are_read_in_small_batches() -> None:
    """
    Values of 1 MiB are not taken by the thousand.
    """
    with Map.create("large", MapShape(MapType.ARRAY, 4, 1 << 20, 16)) as large:
        expected = {key(number): bytes([number]) * (1 << 20) for number in range(16)}
        batch.write(large, expected)
        assert batch.read(large) == expected


def test_taking_removes(loaded: Loaded) -> None:
    """
    An entry is taken from a hash once.
    """
    entries = loaded.maps["hash"]
    entries.update(key(1), value(5))
    assert value(5) == entries.take(key(1))
    assert entries.take(key(1)) is None


def test_per_cpu_values_are_one_for_each_cpu(loaded: Loaded) -> None:
    """
    What was written for each possible CPU is what is read for it, one by one and in a batch.
    """
    counters = loaded.maps["percpu"]
    cpus = libbpf.libbpf_num_possible_cpus()
    expected = [key(100 + cpu) for cpu in range(cpus)]
    counters.update(key(2), counters.for_cpus(expected))
    assert expected == counters.per_cpu(counters.lookup(key(2)) or b"")
    assert expected == counters.per_cpu(batch.read(counters)[key(2)])


def test_inner_maps_are_put_in_and_found_again(loaded: Loaded) -> None:
    """
    Both kinds of maps of maps hold what was put in, with what was written to it.
    """
    for name in ("banks", "named"):
        with Map.create("inside", MapShape(MapType.ARRAY, 4, 8, 4)) as inside:
            inside.update(key(3), value(33))
            loaded.maps[name].set_inner(key(1), inside)
        found = loaded.maps[name].inner(key(1))
        assert found is not None
        with found:
            assert value(33) == found.lookup(key(3))
        assert loaded.maps[name].inner(key(0)) is None


def test_an_inner_map_of_another_shape_is_refused(loaded: Loaded) -> None:
    """
    The kernel compares inner maps with the pattern.
    """
    with Map.create("other", MapShape(MapType.ARRAY, 4, 16, 4)) as other:
        with pytest.raises(KernelError, match="banks") as caught:
            loaded.maps["banks"].set_inner(key(0), other)
        assert caught.value.errno == errno.EINVAL


def test_maps_of_maps_can_be_made_without_an_object() -> None:
    """
    Made with a pattern, it takes inner maps of that shape.
    """
    shape = MapShape(MapType.ARRAY, 4, 8, 4)
    with (
        Map.create("pattern", shape) as pattern,
        Map.create("outer", MapShape(MapType.HASH_OF_MAPS, 4, 4, 4, inner=pattern)) as outer,
        Map.create("inside", shape) as inside,
    ):
        outer.set_inner(key(7), inside)
        assert inside.id == int.from_bytes(outer.lookup(key(7)) or b"", "little")


def test_a_map_that_cannot_be_made_is_named() -> None:
    """
    A hash without entries is refused by the kernel.
    """
    with pytest.raises(KernelError, match="create map 'nothing'"):
        Map.create("nothing", MapShape(MapType.HASH, 4, 4, 0))


def test_task_storage_goes_with_the_task(loaded: Loaded) -> None:
    """
    The key is a pidfd; a task that has ended has no storage.
    """
    tasks = loaded.maps["tasks"]
    child = subprocess.Popen(["cat"], stdin=subprocess.PIPE)
    pidfd = os.pidfd_open(child.pid)
    try:
        assert tasks.lookup(key(pidfd)) is None
        tasks.update(key(pidfd), value(9))
        assert value(9) == tasks.lookup(key(pidfd))
        child.communicate()
        with pytest.raises(KernelError) as caught:
            tasks.update(key(pidfd), value(9))
        assert caught.value.errno == errno.ENOENT
    finally:
        os.close(pidfd)


def test_an_array_in_memory_is_the_array(loaded: Loaded) -> None:
    """
    What is written through the mapping is what is looked up, and the other way round.
    """
    array = loaded.maps["array"]
    with array.mmap() as memory:
        memory[8 * 5 : 8 * 5 + 4] = key(55)
        assert key(55) == array.lookup(key(5))
        array.update(key(1023), key(77))
        assert key(77) == memory[8 * 1023 : 8 * 1023 + 4]
        assert len(memory) % mmap.PAGESIZE == 0


def test_a_read_only_mapping_cannot_be_written(loaded: Loaded) -> None:
    """
    Python refuses before the CPU does.
    """
    with loaded.maps["array"].mmap(writable=False) as memory, pytest.raises(TypeError):
        memory[0] = 1


def test_a_map_that_cannot_be_mapped_says_so(loaded: Loaded) -> None:
    """
    A hash has no memory of its own to show.
    """
    with pytest.raises(KernelError, match="mmap map 'hash'"):
        loaded.maps["hash"].mmap()


def test_a_frozen_map_is_changed_no_more() -> None:
    """
    After freeze an update is EPERM and a lookup works.
    """
    with Map.create("frozen", MapShape(MapType.ARRAY, 4, 4, 1, MapFlag.RDONLY_PROG)) as frozen:
        frozen.update(key(0), key(1))
        frozen.freeze()
        with pytest.raises(KernelError) as caught:
            frozen.update(key(0), key(2))
        assert caught.value.errno == errno.EPERM
        assert key(1) == frozen.lookup(key(0))


def test_a_map_is_found_by_its_id(loaded: Loaded) -> None:
    """
    Opened by id it is the same map; an id that no map has is ENOENT.
    """
    with Map.by_id(loaded.maps["hash"].id) as again:
        assert (again.key_size, again.value_size, again.max_entries) == (4, 8, 8192)
    with pytest.raises(KernelError) as caught:
        Map.by_id(0xFFFFFFF)
    assert caught.value.errno == errno.ENOENT


def test_a_long_name_is_kept_where_people_read_it() -> None:
    """
    The kernel keeps 15 bytes of it, errors have it whole.
    """
    with (
        Map.create("a_name_of_more_than_15_bytes", MapShape(MapType.ARRAY, 4, 4, 1)) as long,
        pytest.raises(KernelError, match="a_name_of_more_than_15_bytes"),
    ):
        long.update(key(1), key(1))
