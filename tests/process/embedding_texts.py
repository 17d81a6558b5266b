"""Texts of all kinds, for tokenisers and for vectors."""

TEXTS = (
    "a", "7", "The cat sat on the mat.", "A cat was sitting on a rug.",
    "Quarterly revenue grew by 12.5 % to $3,400,000.", "How far is it from here to the sea?",
    "  two  spaces,\ttabs\nand lines \r\n", "UPPER lower MiXeD CamelCaseWord snake_case-word",
    "Café naïve façade Ångström über São Tomé coöperate", "I'm, you're, he's; 'quoted' \"double\"",
    "Grüße aus Köln – „so sagt man“ … und tschüß!", "Привет, мир! Как дела сегодня?",
    "你好,世界。今天天气很好", "日本語のテキストと カタカナ", "안녕하세요 세계", "مرحبا بالعالم",
    "emoji 🙂🚀 and symbols ∑ ≠ → © ™", "x=1; if (x >= 2) { return a[i] + b->c; }",
    "antidisestablishmentarianism pneumonoultramicroscopicsilicovolcanoconiosis",
    "https://example.com/path?query=1&other=two#part",
)
