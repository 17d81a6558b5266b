#include "worker/model_file/digest.h"

#include "worker/model_file/sha256.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

namespace worker {
namespace {

constexpr std::uint64_t tail_bytes = std::uint64_t{1} << 20;

struct Range {
    std::uint64_t begin;
    std::uint64_t end;
};

Result<void> add_bytes(const ByteSource& source, Range range, Sha256& digest) {
    std::vector<std::byte> block(64 << 10);
    while (range.begin < range.end) {
        const std::uint64_t wanted = std::min<std::uint64_t>(block.size(), range.end - range.begin);
        const auto read = source.read_at(range.begin, std::span(block).first(wanted));
        if (!read) return fail(read.error());
        digest.add(std::span(block).first(*read));
        if (*read < wanted) return {};  // It was cut short meanwhile; loading it will say so.
        range.begin += wanted;
    }
    return {};
}

}  // namespace

Result<std::string> digest_of(std::span<const DigestSource> files) {
    Sha256 digest;
    for (const DigestSource& file : files) {
        const std::uint64_t size = file.source->size();
        digest.add(fmt::format("{}\n", size));
        const std::uint64_t tail = std::max(file.header_bytes, size - std::min(size, tail_bytes));
        for (const Range range : {Range{0, file.header_bytes}, Range{tail, size}})
            if (auto added = add_bytes(*file.source, range, digest); !added)
                return fail(added.error());
    }
    return digest.hex();
}

}  // namespace worker
