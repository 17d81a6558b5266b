// Matrix products beside what the machine can do, on one thread.
//
//     products [ISA [TYPE...]]
//
// A line for each type of weights, matrix and number of rows: multiply-accumulates a second and
// their share of the peak of 8-bit numbers; bytes of weights a second and their share of what a
// loop reads that only sums up the same memory. The weights come from memory each time, as in a
// model that is larger than the caches. Product and bounds take turns, and shares are medians of
// these, since other programs take from all of them.
#include "bench/machine.h"
#include "cpu/kernels/product.h"
#include "tests/support/random_weights.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <numeric>
#include <string_view>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t all_bytes_min = 200 << 20;
constexpr std::uint32_t tiles_at_once = 16;  // as the engine's threads take them
constexpr std::uint32_t rows_max = 512;
constexpr int rounds = 15;
constexpr auto round_time = std::chrono::milliseconds(8);

volatile std::uint64_t sink;  // What is computed is used, or the compiler would leave it out.

struct Shape {
    std::uint32_t depth;
    std::uint32_t columns;
};

constexpr Shape shapes[] = {{576, 3072}, {1536, 576}, {576, 49152}};
constexpr std::uint32_t row_counts[] = {1, 2, 4, 8, 16, 512};

// What `work` does a second; it says how much it has done.
template <class Work>
double rate(const Work& work) {
    const auto begin = Clock::now();
    double amount = 0;
    while (Clock::now() - begin < round_time) amount += work();
    return amount / std::chrono::duration<double>(Clock::now() - begin).count();
}

class Activations {
public:
    Activations(const cpu::ProductKernels& kernels, std::uint32_t depth)
        : blocks_(std::size_t{rows_max} * depth / cpu::block_depth),
          values_(blocks_ * cpu::block_depth),
          scales_(2 * blocks_ * sizeof(float)),
          sums_(2 * blocks_ * sizeof(std::int32_t)),
          floats_(blocks_ * cpu::block_depth * sizeof(float)),
          rows_{.depth = depth,
                .values = reinterpret_cast<std::int8_t*>(values_.data()),
                .scales = reinterpret_cast<float*>(scales_.data()),
                .scaled_sums = reinterpret_cast<float*>(scales_.data()) + blocks_,
                .sums = {reinterpret_cast<std::int32_t*>(sums_.data()),
                         reinterpret_cast<std::int32_t*>(sums_.data()) + blocks_},
                .floats = reinterpret_cast<float*>(floats_.data())} {
        RandomWeights random(1);
        std::vector<float> x(depth);
        for (std::uint32_t row = 0; row < rows_max; ++row) {
            for (float& number : x) number = random.number();
            kernels.quantize(x.data(), depth, rows_, row, 0);
            for (std::uint32_t d = 0; d < depth; ++d)
                rows_.floats[rows_.block_at(row, d) * cpu::block_depth + d % cpu::block_depth] =
                    x[d];
        }
    }

    const cpu::Rows& rows() const { return rows_; }

private:
    std::size_t blocks_;
    cpu::AlignedBuffer values_;
    cpu::AlignedBuffer scales_;
    cpu::AlignedBuffer sums_;
    cpu::AlignedBuffer floats_;
    cpu::Rows rows_;
};

// Copies of one matrix, together larger than any cache, and side by side like a model's matrices.
struct Copies {
    cpu::AlignedBuffer memory;
    std::vector<cpu::PackedMatrix> matrices;
};

Copies copies_of(const worker::GgmlType& type, const Shape& shape) {
    const auto file = RandomWeights(2).of(type, std::size_t{shape.depth} * shape.columns);
    const std::size_t bytes = cpu::PackedMatrix::bytes_of(type, shape.depth, shape.columns);
    const std::size_t count = all_bytes_min / bytes + 1;
    Copies copies{cpu::AlignedBuffer(count * bytes), {}};
    for (std::size_t i = 0; i < count; ++i) {
        copies.matrices.emplace_back(type, shape.depth, shape.columns,
                                     copies.memory.data() + i * bytes);
        copies.matrices.back().pack({.begin = 0, .end = copies.matrices.back().tiles()}, file);
    }
    return copies;
}

void multiply(const cpu::ProductKernels& kernels, const cpu::PackedMatrix& matrix,
              const cpu::Rows& rows, std::uint32_t row_count, std::vector<float>& out) {
    const std::size_t stride = std::size_t{matrix.tiles()} * cpu::tile_columns;
    out.resize(stride * rows_max);
    for (std::uint32_t tile = 0; tile < matrix.tiles(); tile += tiles_at_once)
        kernels.multiply(matrix,
                         {.begin = tile, .end = std::min(tile + tiles_at_once, matrix.tiles())},
                         rows, {.begin = 0, .end = row_count},
                         out.data() + std::size_t{tile} * cpu::tile_columns, stride);
}

double median(std::vector<double> values) {
    std::nth_element(values.begin(), values.begin() + rounds / 2, values.end());
    return values[rounds / 2];
}

double byte_macs(const ByteProducts& products) {
    constexpr std::uint64_t repeats = 1'000;
    products.run(repeats);
    return static_cast<double>(repeats * products.macs_per_repeat);
}

double read(const cpu::PackedMatrix& matrix) {
    const auto* const words = reinterpret_cast<const std::uint64_t*>(matrix.tile(0));
    sink = std::accumulate(words, words + matrix.bytes() / sizeof *words, std::uint64_t{0});
    return static_cast<double>(matrix.bytes());
}

void measure(const cpu::ProductKernels& kernels, const worker::GgmlType& type, const Shape& shape,
             const ByteProducts& byte_products) {
    const Copies copies = copies_of(type, shape);
    const Activations activations(kernels, shape.depth);
    std::vector<float> out;
    std::size_t next = 0;
    const auto matrix = [&]() -> const cpu::PackedMatrix& {
        return copies.matrices[next++ % copies.matrices.size()];
    };
    for (const std::uint32_t row_count : row_counts) {
        const double macs = static_cast<double>(row_count) * shape.depth * shape.columns;
        const double bytes_per_mac = static_cast<double>(copies.matrices[0].bytes()) / macs;
        std::vector<double> rates;
        std::vector<double> of_peak;
        std::vector<double> of_read;
        for (int round = 0; round < rounds; ++round) {
            const double peak = rate([&] { return byte_macs(byte_products); });
            const double reading = rate([&] { return read(matrix()); });
            rates.push_back(rate([&] {
                multiply(kernels, matrix(), activations.rows(), row_count, out);
                return macs;
            }));
            of_peak.push_back(100 * rates.back() / peak);
            of_read.push_back(100 * rates.back() * bytes_per_mac / reading);
        }
        const double macs_rate = median(rates);
        std::printf("%-6s %4u x %5u  %3u rows %7.1f GMAC/s %4.0f %% of int8 %6.1f GB/s %4.0f %%\n",
                    type.name.data(), shape.depth, shape.columns, row_count, macs_rate / 1e9,
                    median(of_peak), macs_rate * bytes_per_mac / 1e9, median(of_read));
    }
}

void measure_quantize(const cpu::ProductKernels& kernels) {
    constexpr std::uint32_t depth = 1536;
    const Activations activations(kernels, depth);
    std::vector<double> rates;
    for (int round = 0; round < rounds; ++round)
        rates.push_back(rate([&] {
            kernels.quantize(activations.rows().floats, depth, activations.rows(), 0, 0);
            return static_cast<double>(depth);
        }));
    std::printf("quantize %.2f billion activations/s\n", median(rates) / 1e9);
}

void measure_pack(const worker::GgmlType& type) {
    constexpr Shape shape{.depth = 1536, .columns = 576};
    const auto file = RandomWeights(3).of(type, std::size_t{shape.depth} * shape.columns);
    cpu::PackedMatrix matrix(type, shape.depth, shape.columns);
    std::vector<double> rates;
    for (int round = 0; round < rounds; ++round)
        rates.push_back(rate([&] {
            matrix.pack({.begin = 0, .end = matrix.tiles()}, file);
            return static_cast<double>(file.size());
        }));
    std::printf("%-6s packed at %.2f GB/s\n", type.name.data(), median(rates) / 1e9);
}

}  // namespace

int main(int argc, char** argv) {
    const auto isa = cpu::choose_isa(argc > 1 ? argv[1] : "auto");
    if (!isa) {
        std::fprintf(stderr, "error: %s\n", isa.error().message.c_str());
        return 2;
    }
    std::vector<std::string_view> types(argv + std::min(argc, 2), argv + argc);
    if (types.empty()) types = {"q4_1", "q4_0", "q4_k", "q5_0", "q6_k", "q8_0", "f16"};
    const ByteProducts bound = byte_products();
    std::printf("%s; int8 peak by %s %.1f GMAC/s\n", cpu::name(*isa).data(), bound.kernel,
                macs_per_second(1, bound) / 1e9);
    const cpu::ProductKernels& kernels = cpu::product_kernels(*isa);
    measure_quantize(kernels);
    for (const std::string_view name : types) {
        const worker::GgmlType* const type = worker::find_ggml_type(name);
        if (!type || !cpu::can_pack(*type, 256)) {
            std::fprintf(stderr, "error: no products with %s\n", name.data());
            return 2;
        }
        measure_pack(*type);
        for (const Shape& shape : shapes)
            if (cpu::can_pack(*type, shape.depth)) measure(kernels, *type, shape, bound);
    }
}
