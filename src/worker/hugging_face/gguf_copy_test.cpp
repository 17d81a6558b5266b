#include "worker/hugging_face/gguf_copy.h"

#include "tests/support/safetensors_writer.h"
#include "worker/hugging_face/unfinished_file.h"
#include "worker/model_file/gguf.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <iterator>
#include <thread>

namespace worker {
namespace {

namespace fs = std::filesystem;
using Writer = SafeTensorsWriter;

std::string bytes_of(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

Result<void> is_readable(const ByteSource& file) {
    const auto header = read_gguf_header(file);
    if (!header) return fail(header.error());
    return {};
}

// A directory of one shard with a large tensor "w" and a small one "b", the plan for them, and a
// cache.
class GgufCopyTest : public testing::Test {
protected:
    static constexpr std::uint64_t floats = 2u << 20;

    GgufCopyTest() {
        std::string name = (fs::temp_directory_path() / "gguf_copy_test.XXXXXX").string();
        root_ = ::mkdtemp(name.data());
        cache_ = root_ / "cache";
        write_shard(1.0F);
        directory_.path = root_ / "model";
        directory_.shards = {shard()};
        plan_.entries = {{"general.architecture", std::string("llama")}};
        plan_.tensors = {{.name = "w.bias", .type = 0, .shape = {floats}, .sources = {"w"}},
                         {.name = "b.bias", .type = 0, .shape = {8}, .sources = {"b"}}};
    }
    ~GgufCopyTest() override { fs::remove_all(root_); }

    fs::path shard() const { return root_ / "model/model.safetensors"; }

    void write_shard(float value) {
        fs::create_directories(shard().parent_path());
        Writer()
            .tensor({"w", "F32", {floats}, Writer::floats(std::vector<float>(floats, value))})
            .tensor({"b", "F32", {8}, Writer::floats(std::vector<float>(8, value))})
            .write_to(shard());
        const auto source = open_file(shard());
        auto tensors = read_safetensors_header(**source);
        for (SafeTensor& tensor : *tensors) {
            const std::string name = tensor.name;
            directory_.tensors.insert_or_assign(name, ModelDirectory::Place{0, std::move(tensor)});
        }
    }

    Result<GgufCopy> copy() { return copy({}); }
    Result<GgufCopy> copy(const ConversionProgress& progress) {
        said_.clear();
        told_.clear();
        return copy_as_gguf({.directory = directory_,
                             .plan = plan_,
                             .cache = cache_,
                             .memory_free_bytes = memory_free_bytes_},
                            {.accepts = is_readable,
                             .says = [&](const std::string& sentence) { said_ += sentence; },
                             .progress =
                                 [&](double fraction) {
                                     told_.push_back(fraction);
                                     return !progress || progress(fraction);
                                 }});
    }

    // All names in the cache, sorted.
    std::vector<std::string> cached() const {
        std::vector<std::string> names;
        std::error_code error;
        for (const auto& entry : fs::directory_iterator(copies_in(cache_), error))
            names.push_back(entry.path().filename());
        std::sort(names.begin(), names.end());
        return names;
    }

    void check_refused(const Result<GgufCopy>& copied, ErrorCode code, const std::string& words) {
        ASSERT_FALSE(copied) << words;
        const std::string& message = copied.error().message;
        EXPECT_EQ(copied.error().code, code) << message;
        EXPECT_NE(message.find(words), std::string::npos) << message;
        EXPECT_EQ(message.find('\n'), std::string::npos) << message;
        EXPECT_TRUE(cached().empty()) << cached().front();
    }

    // `copied` is the whole file, in memory.
    void check_in_memory(const Result<GgufCopy>& copied, const std::string& why) {
        ASSERT_TRUE(copied) << copied.error().message;
        ASSERT_NE(copied->memory, nullptr);
        EXPECT_TRUE(copied->path.native().starts_with("/proc/self/fd/")) << copied->path;
        EXPECT_NE(copied->note.find(why), std::string::npos) << copied->note;
        EXPECT_NE(copied->note.find("XDG_CACHE_HOME"), std::string::npos) << copied->note;
        EXPECT_TRUE(said_.ends_with("Writes a GGUF copy of 8.0 MiB to memory")) << said_;
        EXPECT_TRUE(std::is_sorted(told_.begin(), told_.end()));
        const auto file = open_file(copied->path);
        ASSERT_TRUE(file) << file.error().message;
        const auto header = read_gguf_header(**file);
        ASSERT_TRUE(header) << header.error().message;
        EXPECT_EQ(header->tensors.size(), 2u);
        EXPECT_TRUE(bytes_of(copied->path).ends_with(Writer::floats({1.0F, 1.0F})));
    }

    fs::path root_;
    fs::path cache_;
    ModelDirectory directory_;
    ConversionPlan plan_;
    std::uint64_t memory_free_bytes_ = std::uint64_t{1} << 30;
    std::string said_;
    std::vector<double> told_;
};

TEST_F(GgufCopyTest, is_made_once_and_used_again) {
    const auto first = copy();
    ASSERT_TRUE(first) << first.error().message;
    EXPECT_EQ(first->memory, nullptr);
    EXPECT_EQ(first->note, "");
    EXPECT_EQ(said_, "Writes a GGUF copy of 8.0 MiB to " + copies_in(cache_).string());
    EXPECT_EQ(told_.back(), 1.0);
    EXPECT_EQ(first->path.parent_path(), copies_in(cache_));
    EXPECT_EQ(cached(), std::vector<std::string>{first->path.filename()});
    EXPECT_EQ(fs::status(first->path).permissions(),
              fs::perms::owner_read | fs::perms::owner_write);
    const auto again = copy();
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_EQ(again->path, first->path);
    EXPECT_EQ(said_, "Uses the GGUF copy " + first->path.string());
    EXPECT_TRUE(told_.empty());
}

TEST_F(GgufCopyTest, whatever_it_is_made_from_has_a_part_in_its_name) {
    const auto check_another = [&](const char* what) {
        const std::size_t before = cached().size();
        const auto copied = copy();
        ASSERT_TRUE(copied) << what << ": " << copied.error().message;
        EXPECT_EQ(cached().size(), before + 1) << what;
    };
    check_another("nothing yet");
    fs::last_write_time(shard(), fs::last_write_time(shard()) + std::chrono::seconds(1));
    check_another("the time of a shard");
    const auto time = fs::last_write_time(shard());
    write_shard(2.0F);
    fs::last_write_time(shard(), time);
    check_another("the last of the weights");
    plan_.entries.push_back({"general.name", std::string("other")});
    check_another("a key");
    plan_.tensors[1].order = RowOrder::rotary_pairs;
    plan_.tensors[1].heads = 2;
    check_another("the order of rows");
    plan_.tensors[1].heads = 4;
    check_another("the number of heads");
    plan_.tensors.push_back({.name = "v", .type = 0, .shape = {1}, .values = {1}});
    check_another("a tensor");
    plan_.tensors[2].values = {2};
    check_another("a value");
}

TEST_F(GgufCopyTest, one_that_is_broken_is_made_again) {
    const auto first = copy();
    ASSERT_TRUE(first);
    const std::string whole = bytes_of(first->path);
    fs::resize_file(first->path, whole.size() - 1);
    ASSERT_TRUE(copy());
    EXPECT_TRUE(said_.starts_with("Writes")) << said_;
    EXPECT_EQ(bytes_of(first->path), whole);
    EXPECT_EQ(cached().size(), 1u);
}

TEST_F(GgufCopyTest, two_at_once_both_end_well) {
    std::optional<Result<GgufCopy>> second;
    const auto first = copy([&](double) {
        // In the middle of this one, another one begins and ends.
        if (!second) {
            second.emplace(fail(ErrorCode::internal, ""));
            second = copy_as_gguf(
                {.directory = directory_, .plan = plan_, .cache = cache_, .memory_free_bytes = 0},
                {.accepts = is_readable,
                 .says = [](const std::string&) {},
                 .progress = [](double) { return true; }});
        }
        return true;
    });
    ASSERT_TRUE(first) << first.error().message;
    ASSERT_TRUE(*second) << second->error().message;
    EXPECT_EQ(first->path, (*second)->path);
    EXPECT_EQ(cached(), std::vector<std::string>{first->path.filename()});
    EXPECT_TRUE(read_gguf_header(**open_file(first->path)));
}

TEST_F(GgufCopyTest, many_threads_at_once_all_end_well) {
    std::vector<Result<GgufCopy>> copies(4, fail(ErrorCode::internal, ""));
    std::vector<std::thread> threads;
    for (Result<GgufCopy>& copied : copies) {
        threads.emplace_back([&] {
            copied = copy_as_gguf(
                {.directory = directory_, .plan = plan_, .cache = cache_, .memory_free_bytes = 0},
                {.accepts = is_readable,
                 .says = [](const std::string&) {},
                 .progress = [](double) { return true; }});
        });
    }
    for (std::thread& thread : threads) thread.join();
    for (const Result<GgufCopy>& copied : copies) EXPECT_TRUE(copied) << copied.error().message;
    EXPECT_EQ(cached().size(), 1u);
}

TEST_F(GgufCopyTest, what_a_killed_worker_left_is_removed_and_what_one_writes_is_not) {
    const fs::path copies = copies_in(cache_);
    fs::create_directories(copies);
    std::ofstream(copies / "dead.gguf.abcdef.part") << "half";
    std::ofstream(copies / "other.gguf") << "another model's";
    auto living = UnfinishedFile::create(copies, "living.gguf");
    ASSERT_TRUE(living) << living.error().message;
    ASSERT_TRUE(copy());
    const std::vector<std::string> names = cached();
    ASSERT_EQ(names.size(), 3u);
    EXPECT_TRUE(std::any_of(names.begin(), names.end(), [](const std::string& name) {
        return name.starts_with("living.gguf.") && name.ends_with(".part");
    }));
    EXPECT_TRUE(std::count(names.begin(), names.end(), "other.gguf"));
    ASSERT_TRUE(std::move(*living).keep());
    EXPECT_TRUE(fs::exists(copies / "living.gguf"));
}

TEST_F(GgufCopyTest, one_that_is_given_up_leaves_nothing) {
    check_refused(copy([](double) { return false; }), ErrorCode::cancelled, "given up");
    check_refused(copy([](double fraction) { return fraction < 0.7; }), ErrorCode::cancelled,
                  "given up");
    EXPECT_LT(told_.front(), 0.7);
}

TEST_F(GgufCopyTest, a_shard_that_changes_meanwhile_leaves_nothing) {
    check_refused(copy([&](double) {
                      fs::resize_file(shard(), 4 << 20);
                      return true;
                  }),
                  ErrorCode::model_corrupt, "ends in the middle of tensor \"w\"");
    write_shard(1.0F);
    check_refused(copy([&](double fraction) {
                      if (fraction == 1) write_shard(2.0F);
                      return true;
                  }),
                  ErrorCode::model_corrupt, "was changed while it was read");
    fs::remove(shard());
    check_refused(copy(), ErrorCode::model_not_found, "model.safetensors");
}

TEST_F(GgufCopyTest, what_would_not_be_accepted_is_not_written) {
    plan_.tensors[0].name = std::string(64, 'x');
    check_refused(copy(), ErrorCode::model_corrupt, "name of 64 bytes");
    EXPECT_FALSE(fs::exists(cache_));
}

TEST_F(GgufCopyTest, without_a_cache_it_is_in_memory) {
    std::ofstream(root_ / "a file") << "in the way";
    cache_ = root_ / "a file";
    check_in_memory(copy(), "Not a directory");
    cache_ = "/proc/nowhere";
    check_in_memory(copy(), "/proc/nowhere");
    memory_free_bytes_ = 8 << 20;
    check_refused(copy(), ErrorCode::insufficient_memory,
                  "of memory, of which 8.0 MiB (8388608 bytes) are free");
    EXPECT_EQ(said_, "");
    memory_free_bytes_ = 1 << 30;
    check_refused(copy([](double) { return false; }), ErrorCode::cancelled, "given up");
}

TEST_F(GgufCopyTest, a_cache_that_may_not_be_written_is_told) {
    if (::geteuid() == 0) GTEST_SKIP() << "root may write everywhere";
    fs::create_directories(copies_in(cache_));
    fs::permissions(copies_in(cache_), fs::perms::owner_read | fs::perms::owner_exec);
    check_in_memory(copy(), "Permission denied");
    EXPECT_TRUE(cached().empty());
}

// A small file system of the test's own.
class SmallDisk : public GgufCopyTest {
protected:
    void mount(const std::string& options, unsigned long flags = 0) {
        fs::create_directories(cache_);
        const bool alone = ::unshare(CLONE_NEWNS) == 0 &&
                           ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
        if (!alone || ::mount("none", cache_.c_str(), "tmpfs", flags, options.c_str()) != 0)
            GTEST_SKIP() << "file systems cannot be mounted here";
        mounted_ = true;
    }
    ~SmallDisk() override {
        if (mounted_) ::umount(cache_.c_str());
    }

    bool mounted_ = false;
};

TEST_F(SmallDisk, one_that_is_too_small_is_not_filled) {
    mount("size=4m");
    if (!mounted_) return;
    check_in_memory(copy(), "the copy needs 8.0 MiB and 4.0 MiB are free");
    EXPECT_TRUE(cached().empty());
    EXPECT_TRUE(said_.starts_with("Writes a GGUF copy of 8.0 MiB to memory")) << said_;
}

TEST_F(SmallDisk, its_room_is_taken_before_anything_is_written) {
    mount("size=4m");
    if (!mounted_) return;
    {
        auto file = UnfinishedFile::create(cache_, "model.gguf");
        ASSERT_TRUE(file) << file.error().message;
        EXPECT_TRUE(file->reserve(1 << 20));
        const auto reserved = file->reserve(8 << 20);
        ASSERT_FALSE(reserved);
        EXPECT_EQ(reserved.error().code, ErrorCode::insufficient_resources);
        EXPECT_TRUE(reserved.error().message.ends_with("No space left on device"));
    }
    EXPECT_TRUE(fs::is_empty(cache_));
}

TEST_F(SmallDisk, one_that_is_read_only_is_told) {
    mount("size=12m", MS_RDONLY);
    if (!mounted_) return;
    check_in_memory(copy(), "Read-only file system");
}

}  // namespace
}  // namespace worker
