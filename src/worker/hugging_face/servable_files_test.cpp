#include "worker/hugging_face/servable_files.h"

#include "tests/support/model_directory.h"
#include "tests/support/safetensors_writer.h"
#include "worker/model_file/gguf.h"

#include <boost/json/serialize.hpp>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>

namespace worker {
namespace {

namespace fs = std::filesystem;

class ServableFilesTest : public testing::Test {
protected:
    ServableFilesTest() {
        std::string name = (fs::temp_directory_path() / "servable_files_test.XXXXXX").string();
        root_ = ::mkdtemp(name.data());
        places_.home = root_ / "home";
    }
    ~ServableFilesTest() override { fs::remove_all(root_); }

    // A directory of one of the families of tests/support, with weights of zeros.
    fs::path write_model(std::string_view family) {
        const ModelDirectory model = tiny_directory(family);
        const fs::path folder = root_ / family;
        fs::create_directories(folder);
        const auto write = [&](const char* name, const boost::json::object& object) {
            std::ofstream(folder / name) << boost::json::serialize(object);
        };
        write("config.json", model.config);
        write("tokenizer.json", model.tokenizer);
        write("tokenizer_config.json", model.tokenizer_config);
        SafeTensorsWriter writer;
        for (const auto& [tensor, place] : model.tensors)
            writer.tensor({tensor, "BF16", place.tensor.shape});
        writer.write_to(folder / "model.safetensors");
        return folder;
    }

    Result<ServableModel> serve(const std::vector<fs::path>& found) {
        said_.clear();
        return servable_files(found, places_,
                              {.accepts = [](const ByteSource&) { return Result<void>(); },
                               .says = [this](const std::string& sentence) { said_ = sentence; },
                               .progress = [](double) { return true; }});
    }

    fs::path root_;
    ModelPlaces places_;
    std::string said_;
};

TEST_F(ServableFilesTest, gguf_files_are_served_as_they_are) {
    const std::vector<fs::path> shards{"m-00001-of-00002.gguf", "m-00002-of-00002.gguf"};
    const auto model = serve(shards);
    ASSERT_TRUE(model) << model.error().message;
    EXPECT_EQ(model->paths, shards);
    EXPECT_EQ(said_, "");
    EXPECT_EQ(*files_to_read(shards), shards);
}

TEST_F(ServableFilesTest, a_directory_of_any_family_is_served_by_its_copy) {
    for (const std::string_view family : directory_families) {
        const fs::path folder = write_model(family);
        const auto model = serve({folder});
        ASSERT_TRUE(model) << family << ": " << model.error().message;
        ASSERT_EQ(model->paths.size(), 1u);
        EXPECT_EQ(model->paths[0].parent_path(), copies_in(places_.home / ".cache"));
        EXPECT_TRUE(said_.starts_with("Writes a GGUF copy of")) << said_;
        EXPECT_EQ(model->note, "");
        const auto file = open_file(model->paths[0]);
        ASSERT_TRUE(file) << file.error().message;
        const auto header = read_gguf_header(**file);
        ASSERT_TRUE(header) << header.error().message;
        EXPECT_NE(header->text("general.architecture"), nullptr);
        EXPECT_FALSE(header->tensors.empty());
        ASSERT_TRUE(serve({folder}));
        EXPECT_TRUE(said_.starts_with("Uses the GGUF copy")) << said_;
    }
}

TEST_F(ServableFilesTest, a_check_lists_what_would_be_read) {
    const fs::path folder = write_model("llama");
    const auto files = files_to_read({folder});
    ASSERT_TRUE(files) << files.error().message;
    EXPECT_EQ(*files, (std::vector<fs::path>{folder / "config.json", folder / "tokenizer.json",
                                             folder / "tokenizer_config.json",
                                             folder / "model.safetensors"}));
    EXPECT_FALSE(fs::exists(places_.home));
}

TEST_F(ServableFilesTest, what_is_missing_or_unknown_is_told_and_leaves_nothing) {
    const fs::path folder = write_model("llama");
    std::ofstream(folder / "config.json") << R"({"architectures": ["SurpriseModel"]})";
    const auto unknown = serve({folder});
    ASSERT_FALSE(unknown);
    EXPECT_EQ(unknown.error().code, ErrorCode::model_unsupported) << unknown.error().message;
    fs::remove(folder / "model.safetensors");
    for (const auto& missing : {serve({folder}).map([](const auto&) {}),
                                files_to_read({folder}).map([](const auto&) {})}) {
        ASSERT_FALSE(missing);
        EXPECT_EQ(missing.error().code, ErrorCode::model_not_found) << missing.error().message;
    }
    EXPECT_FALSE(fs::exists(places_.home));
}

}  // namespace
}  // namespace worker
