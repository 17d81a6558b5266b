#include "llm/engine_choice.h"

#include "tests/support/temporary_file.h"
#include "tests/support/whole_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

namespace llm {
namespace {

using testing::HasSubstr;
using worker::ErrorCode;
using worker::Result;

using Change = std::function<void(worker::Config&, TextSettings&)>;

class EngineChoiceTest : public testing::Test {
protected:
    Result<EngineChoice> choose(const std::string& engine, const std::string& device_kind = "cpu",
                                const Change& change = {}) {
        worker::Config config;
        TextSettings text;
        text.engine = engine;
        if (change) change(config, text);
        return choose_engine({config, text}, device_kind, {file_.path()});
    }

    // "auto" takes libllama and says why; "cpu" is an error that says the same, and a way out.
    void check_not_native(const std::string& why, const std::string& device_kind = "cpu",
                          const Change& change = {}) {
        SCOPED_TRACE(why);
        const auto chosen = choose("auto", device_kind, change);
        ASSERT_TRUE(chosen) << chosen.error().message;
        EXPECT_EQ(chosen->engine, Engine::llama);
        EXPECT_THAT(chosen->reason, HasSubstr(why));
        const auto wanted = choose("cpu", device_kind, change);
        ASSERT_FALSE(wanted);
        EXPECT_THAT(wanted.error().message, HasSubstr(why));
        EXPECT_THAT(wanted.error().message, HasSubstr("--engine llama"));
    }

    worker::TemporaryFile file_{"engine_choice.gguf"};
};

TEST_F(EngineChoiceTest, on_a_cpu_the_native_engine_takes_the_families_it_knows) {
    for (const std::string_view family : worker::whole_model_families) {
        worker::whole_model(family, "q8_0").write_to(file_.path());
        for (const char* engine : {"auto", "cpu"}) {
            const auto chosen = choose(engine);
            ASSERT_TRUE(chosen) << chosen.error().message;
            EXPECT_EQ(chosen->engine, Engine::cpu) << family;
            EXPECT_EQ(chosen->reason, "");
        }
    }
}

TEST_F(EngineChoiceTest, what_only_libllama_can_do_is_left_to_it) {
    worker::whole_model().write_to(file_.path());
    check_not_native("cuda", "cuda");
    check_not_native("--kv-type q8_0", "cpu", [](auto&, auto& text) { text.kv_type = "q8_0"; });
    check_not_native("--mlock", "cpu", [](auto& config, auto&) { config.mlock = true; });
}

TEST_F(EngineChoiceTest, a_model_that_it_does_not_know_is_left_to_libllama) {
    worker::whole_model().string("general.architecture", "gemma").write_to(file_.path());
    check_not_native("the architecture gemma");
    worker::whole_model().u32("llama.expert_count", 8).write_to(file_.path());
    check_not_native("llama.expert_count");
    worker::whole_model()
        .tensor({.name = "blk.0.post_norm.weight", .shape = {64}})
        .write_to(file_.path());
    check_not_native("blk.0.post_norm.weight");
}

TEST_F(EngineChoiceTest, what_was_asked_for_and_cannot_be_says_which_kind_of_mistake_it_is) {
    worker::whole_model().write_to(file_.path());
    EXPECT_EQ(choose("cpu", "vulkan").error().code, ErrorCode::config_invalid);
    worker::whole_model().string("general.architecture", "gemma").write_to(file_.path());
    EXPECT_EQ(choose("cpu").error().code, ErrorCode::model_unsupported);
}

TEST_F(EngineChoiceTest, a_file_that_cannot_be_read_is_no_matter_of_engines) {
    for (const char* engine : {"auto", "cpu"}) {
        const auto chosen = choose(engine);
        ASSERT_FALSE(chosen);
        EXPECT_EQ(chosen.error().code, ErrorCode::model_not_found);
    }
}

TEST_F(EngineChoiceTest, libllama_where_it_is_asked_for_needs_no_look_at_the_files) {
    const auto chosen = choose("llama");
    ASSERT_TRUE(chosen);
    EXPECT_EQ(chosen->engine, Engine::llama);
    EXPECT_EQ(chosen->reason, "");
}

TEST_F(EngineChoiceTest, engines_are_called_as_the_flag_calls_them) {
    EXPECT_EQ(name(Engine::llama), "llama");
    EXPECT_EQ(name(Engine::cpu), "cpu");
}

}  // namespace
}  // namespace llm
