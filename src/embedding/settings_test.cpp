#include "embedding/settings.h"

#include "worker/app/flag.h"

#include <gtest/gtest.h>

namespace embedding {
namespace {

TEST(SettingsTest, take_show_and_refuse_as_declared) {
    struct Row {
        std::string name, initial, text, shown, refused;
    };
    const std::vector<Row> rows{
        {"max-input-chars", "32768", "0", "0", "-1"},
        {"any-model", "false", "1", "true", "2"},
    };
    EmbeddingSettings settings;
    const worker::FlagTable table({embedding_flags(settings)});
    EXPECT_EQ(table.flags().size(), rows.size());
    for (const Row& row : rows) {
        const worker::Flag* const flag = table.find("--" + row.name);
        ASSERT_TRUE(flag) << row.name;
        EXPECT_TRUE(flag->help.ends_with('.')) << row.name;
        EXPECT_EQ(flag->setting.show(), row.initial) << row.name;
        EXPECT_FALSE(flag->setting.apply(row.refused)) << row.name;
        EXPECT_TRUE(flag->setting.apply(row.text)) << row.name;
        EXPECT_EQ(flag->setting.show(), row.shown) << row.name;
    }
    EXPECT_EQ(settings.input_chars_max, 0u);
    EXPECT_TRUE(settings.any_model);
}

}  // namespace
}  // namespace embedding
