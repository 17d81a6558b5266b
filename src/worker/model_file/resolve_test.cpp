#include "worker/model_file/resolve.h"

#include "worker/model_file/catalogue.h"
#include "worker/model_file/database_fixture.h"
#include "worker/model_file/shards.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <chrono>
#include <fstream>

namespace worker {
namespace {

namespace fs = std::filesystem;

class ResolveTest : public testing::Test {
protected:
    ResolveTest() {
        std::string name = (fs::temp_directory_path() / "resolve_test.XXXXXX").string();
        root_ = ::mkdtemp(name.data());
        places_.home = root_ / "home";
    }
    ~ResolveTest() override { fs::remove_all(root_); }

    fs::path write(const fs::path& relative, std::string_view text = "GGUF") {
        const fs::path path = root_ / relative;
        fs::create_directories(path.parent_path());
        std::ofstream(path) << text;
        return path;
    }

    void check_found(const std::string& reference, const std::vector<fs::path>& expected) {
        const auto found = resolve_model(reference, places_);
        ASSERT_TRUE(found) << found.error().message;
        EXPECT_EQ(*found, expected);
    }

    void check_refused(const std::string& reference, ErrorCode code, const std::string& words) {
        const auto found = resolve_model(reference, places_);
        ASSERT_FALSE(found) << reference;
        EXPECT_EQ(found.error().code, code) << found.error().message;
        EXPECT_NE(found.error().message.find(words), std::string::npos) << found.error().message;
        EXPECT_EQ(found.error().message.find('\n'), std::string::npos) << found.error().message;
    }

    fs::path root_;
    ModelPlaces places_;
};

TEST_F(ResolveTest, places_are_tried_in_the_order_of_the_contract) {
    places_.model_base_dir = root_ / "base";
    const std::string id = "org/name:q4.gguf";
    const fs::path entry = "home/.cache/rbee/models/org-name-q4.gguf";
    write(entry / "metadata.json", R"({"artifact":{"path":"artifact.gguf"}})");
    const fs::path newer = write("newer.gguf");
    const fs::path older = write("older/any.gguf");
    execute(open_for_writing(places_.home / ".rbee/models.db"),
            models_table + insert_model(id, newer, 2) + insert_model(id, older.parent_path(), 1));
    const std::string snapshot =
        "home/.cache/huggingface/hub/models--org--name:q4.gguf/snapshots/a/m.gguf";
    const std::vector<fs::path> in_order{write("here/" + id),
                                         write(entry / "artifact.gguf"),
                                         write(entry / "model.gguf"),
                                         newer,
                                         older,
                                         write("base/" + id),
                                         write(snapshot)};
    const fs::path before = fs::current_path();
    fs::current_path(root_ / "here");
    check_found(id, {id});
    fs::remove(in_order[0]);
    fs::create_directories(id);
    write("here/" + id + "/in it.gguf");
    check_found(id, {fs::path(id) / "in it.gguf"});
    fs::remove_all(id);
    for (std::size_t place = 1; place < in_order.size(); ++place) {
        check_found(id, {in_order[place]});
        fs::remove_all(in_order[place] == older ? older.parent_path() : in_order[place]);
    }
    fs::remove_all(root_ / "home/.cache/huggingface");
    check_refused(id, ErrorCode::model_not_found, "was not found");
    fs::current_path(before);
}

TEST_F(ResolveTest, a_file_is_itself) {
    const fs::path file = write("some model.gguf");
    check_found(file, {file});
}

TEST_F(ResolveTest, a_directory_is_its_model) {
    const fs::path single = write("single/any.gguf");
    write("single/mmproj-any.gguf");
    write("single/README.md");
    check_found(root_ / "single", {single});
    const fs::path usual = write("usual/model.gguf");
    write("usual/other.gguf");
    check_found(root_ / "usual", {usual});
    write("several/a.gguf");
    write("several/b.gguf");
    check_refused(root_ / "several", ErrorCode::model_not_found, "2 models; name one");
    fs::create_directories(root_ / "empty");
    check_refused(root_ / "empty", ErrorCode::model_not_found, "neither a .gguf file nor");
}

TEST_F(ResolveTest, a_safetensors_directory_is_itself) {
    for (const auto* weights : {"single/model.safetensors", "many/model-00001-of-00002.safetensors",
                                "index/model.safetensors.index.json"}) {
        const fs::path directory = write(weights).parent_path();
        check_refused(directory, ErrorCode::model_not_found, "no config.json");
        write(directory / "config.json", "{}");
        check_found(directory, {directory});
        const fs::path gguf = write(directory / "model.gguf");
        const bool only_index = directory.filename() == "index";
        check_found(directory, {only_index ? gguf : directory});
    }
    write("gguf/config.json", "{}");
    const fs::path gguf = write("gguf/some.gguf");
    check_found(root_ / "gguf", {gguf});
    write("adapter/adapter.safetensors");
    const fs::path other = write("adapter/other.gguf");
    check_found(root_ / "adapter", {other});
}

TEST_F(ResolveTest, a_safetensors_file_means_its_directory) {
    const fs::path file = write("hf/model-00001-of-00002.safetensors");
    check_refused(file, ErrorCode::model_unsupported, "name a directory that holds it");
    write("hf/config.json", "{}");
    check_found(file, {root_ / "hf"});
    const fs::path before = fs::current_path();
    fs::current_path(root_ / "hf");
    check_found("model-00001-of-00002.safetensors", {"."});
    fs::current_path(before);
    check_refused(write("hf/empty.safetensors", ""), ErrorCode::model_corrupt, "is empty");
}

TEST_F(ResolveTest, a_safetensors_directory_is_found_wherever_models_are) {
    places_.model_base_dir = root_ / "base";
    const std::string entry = "home/.cache/rbee/models/org-name/";
    write(entry + "metadata.json", R"({"artifact":{"path":"."}})");
    const auto directory = [&](const fs::path& relative) {
        write(relative / "config.json", "{}");
        return write(relative / "model.safetensors").parent_path();
    };
    check_found("org/name", {directory(entry) / "."});
    fs::remove_all(root_ / entry);
    const fs::path based = directory("base/org/name");
    check_found("org/name", {based});
    fs::remove_all(based);
    const fs::path cached =
        directory("home/.cache/huggingface/hub/models--org--name/snapshots/abc");
    check_found("org/name", {cached});
    check_found("hf:org/name", {cached});
}

TEST_F(ResolveTest, shards_are_found_by_any_of_their_names) {
    const fs::path first = write("s/m-00001-of-00003.gguf");
    const fs::path second = write("s/m-00002-of-00003.gguf");
    const fs::path third = write("s/m-00003-of-00003.gguf");
    for (const fs::path& name : {first, second, third, first.parent_path()})
        check_found(name, {first, second, third});
    fs::remove(second);
    for (const fs::path& name : {first, third, first.parent_path()})
        check_refused(name, ErrorCode::model_not_found, "m-00002-of-00003.gguf: there is no such");
}

TEST_F(ResolveTest, the_catalogue_names_the_artifact) {
    const std::string entry = "home/.cache/rbee/models/hf-org-name/";
    const fs::path artifact = write("elsewhere/x.gguf");
    write(entry + "metadata.json", R"({"artifact":{"path":")" + artifact.string() + R"("}})");
    check_found("hf:org/name", {artifact});
    const fs::path beside = write(entry + "model.gguf");
    for (const auto* metadata :
         {R"({"artifact":{"path":"model.gguf"}})", R"({"artifact":{}})",
          R"({"artifact":{"path":7}})", R"([])", R"({"artifact":{"path":"/no/such/file.gguf"}})"}) {
        write(entry + "metadata.json", metadata);
        check_found("hf:org/name", {beside});
    }
    write(entry + "metadata.json", "{ nonsense");
    check_refused("hf:org/name", ErrorCode::model_corrupt, "repair the catalogue");
}

TEST_F(ResolveTest, an_older_catalogue_that_cannot_be_read_is_no_end) {
    const fs::path database = write("home/.rbee/models.db", std::string(5000, 'x'));
    check_refused("org/name", ErrorCode::model_not_found,
                  database.string() + " (file is not a database), ");
    places_.model_base_dir = root_ / "base";
    const fs::path file = write("base/org/name/weights.gguf");
    check_found("org/name", {file});
}

TEST_F(ResolveTest, an_id_does_not_lead_out_of_its_folder) {
    places_.model_base_dir = root_ / "base";
    const fs::path models = places_.home / ".cache/rbee/models";
    for (const auto* id : {"../../etc", "..", ".", "../..", "/etc", "a/../../..", "", "..:.."}) {
        const fs::path directory = catalogue_directory(places_.home, id);
        EXPECT_EQ(directory.lexically_normal().parent_path(), models) << id;
    }
    fs::create_directories(root_ / "base");
    write("outside.gguf");
    write("home/.cache/outside/metadata.json", "{}");
    for (const auto* id : {"../outside.gguf", "../../outside", "a/../../outside.gguf"})
        check_refused(id, ErrorCode::model_not_found, "was not found");
}

TEST_F(ResolveTest, the_base_directory_holds_models_by_id) {
    places_.model_base_dir = root_ / "base";
    const fs::path file = write("base/org/name/weights.gguf");
    check_found("org/name", {file});
    check_found("org/name/weights.gguf", {file});
}

TEST_F(ResolveTest, the_newest_hugging_face_snapshot_counts) {
    const fs::path hub = "home/.cache/huggingface/hub/models--org--name/snapshots";
    const fs::path old_file = write(hub / "b-old/m.gguf");
    const fs::path new_file = write(hub / "a-new/m.gguf");
    const auto now = fs::file_time_type::clock::now();
    fs::last_write_time(old_file.parent_path(), now - std::chrono::hours(1));
    fs::last_write_time(new_file.parent_path(), now);
    check_found("org/name", {new_file});
    check_found("hf:org/name", {new_file});
    places_.hf_home = root_ / "other";
    const fs::path moved = write("other/hub/models--org--name/snapshots/c/m.gguf");
    check_found("hf:org/name", {moved});
}

TEST_F(ResolveTest, what_is_nowhere_lists_the_places_tried) {
    places_.model_base_dir = root_ / "base";
    for (const auto* place : {"tried: org/none,", ".cache/rbee/models/org-none/metadata.json",
                              ".rbee/models.db, ", "base/org/none", "models--org--none/snapshots"})
        check_refused("org/none", ErrorCode::model_not_found, place);
    check_refused("", ErrorCode::model_not_found, "empty");
    check_refused(std::string("a\0b", 3), ErrorCode::model_not_found, "zero byte");
    check_refused(std::string(5000, 'x'), ErrorCode::model_not_found, "was not found");
    check_refused("line\nbreak", ErrorCode::model_not_found, "line\\x0abreak");
    check_refused("..", ErrorCode::model_not_found, "");
}

TEST_F(ResolveTest, what_is_no_regular_file_is_refused_at_once) {
    const fs::path fifo = root_ / "fifo.gguf";
    ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
    check_refused(fifo, ErrorCode::model_unreadable, "not a regular file");
    check_refused("/dev/zero", ErrorCode::model_unreadable, "not a regular file");
    const fs::path socket_path = root_ / "s.gguf";
    sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
    socket_path.string().copy(address.sun_path, sizeof address.sun_path - 1);
    const int descriptor = ::socket(AF_UNIX, SOCK_STREAM, 0);
    ASSERT_EQ(::bind(descriptor, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    check_refused(socket_path, ErrorCode::model_unreadable, "not a regular file");
    ::close(descriptor);
}

TEST_F(ResolveTest, empty_files_broken_links_and_loops_are_named) {
    check_refused(write("empty.gguf", ""), ErrorCode::model_corrupt, "is empty");
    fs::create_symlink("nowhere", root_ / "broken.gguf");
    check_refused(root_ / "broken.gguf", ErrorCode::model_not_found, "broken.gguf");
    fs::create_symlink("loop.gguf", root_ / "loop.gguf");
    check_refused(root_ / "loop.gguf", ErrorCode::model_unreadable, "loop.gguf");
}

TEST_F(ResolveTest, what_may_not_be_read_says_how_to_permit_it) {
    if (::geteuid() == 0) GTEST_SKIP() << "root may read everything";
    const fs::path file = write("closed/m.gguf");
    fs::permissions(file, fs::perms::none);
    check_refused(file, ErrorCode::model_unreadable, "chmod");
    fs::permissions(file.parent_path(), fs::perms::none);
    check_refused(file, ErrorCode::model_unreadable, "chmod");
    fs::permissions(file.parent_path(), fs::perms::owner_all);
}

TEST(ShardNameTest, is_five_digits_of_five_digits) {
    const auto check = [](std::string_view name, std::optional<ShardName> expected) {
        EXPECT_EQ(parse_shard_name(name), expected) << name;
        EXPECT_TRUE(!expected || file_name(*expected) == name) << name;
    };
    check("m-00001-of-00003.gguf", ShardName{"m", 1, 3});
    check("m-00002-of-00002-00256-of-00256.gguf", ShardName{"m-00002-of-00002", 256, 256});
    for (const auto* name :
         {"", "m.gguf", "-00001-of-00003.gguf", "m-00004-of-00003.gguf", "m-00000-of-00003.gguf",
          "m-0001-of-00003.gguf", "m-+0001-of-00003.gguf", "m-00001-of-00257.gguf",
          "m-00001-of-00003.bin", "m-00001_of-00003.gguf"})
        check(name, std::nullopt);
}

}  // namespace
}  // namespace worker
