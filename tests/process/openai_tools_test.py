"""Tools and replies under a schema, by OpenAI's Python client. The model is small: what it calls
and says is of no account, but what is constrained always holds."""

import enum
import json
import unittest

from openai_client import SEA, ClientTest, openai
from pydantic import BaseModel, ConfigDict, Field


class Unit(str, enum.Enum):
    CELSIUS = "celsius"
    FAHRENHEIT = "fahrenheit"


class Arguments(BaseModel):
    # Else a small model may well think of further ones for ever.
    model_config = ConfigDict(extra="forbid")


class Weather(Arguments):
    """Tells the weather of a city."""

    city: str = Field(max_length=20)
    unit: Unit
    days: int = Field(ge=1, le=7)


class Tide(Arguments):
    """Tells whether the tide is high."""

    high: bool


class Point(BaseModel):
    x: int = Field(ge=0, le=99)
    y: int = Field(ge=0, le=99)


class Map(BaseModel):
    title: str = Field(max_length=24)
    unit: Unit
    points: list[Point] = Field(max_length=3)
    best: Point | None


MODELS = {"Weather": Weather, "Tide": Tide}


def tool(model, **function):
    return {"type": "function", "function": {
        "name": model.__name__, "description": model.__doc__,
        "parameters": model.model_json_schema(), **function}}


TOOLS = [tool(Weather), tool(Tide)]
ASK = [{"role": "user", "content": "What is the weather in Paris, and is the tide high?"}]


class ToolsTest(ClientTest):
    FLAGS = ("--parallel", "4", "--context-size", "2048")

    def ask(self, **settings):
        """One call at most, unless said otherwise: a small model does not know where to end."""
        return self.chat(**{"messages": ASK, "tools": TOOLS, "max_completion_tokens": 200,
                            "seed": 1, "parallel_tool_calls": False, **settings})

    def assert_valid(self, calls):
        self.assertTrue(calls)
        self.assertEqual(len({call.id for call in calls}), len(calls))
        for call in calls:
            self.assertEqual(call.type, "function")
            self.assertTrue(call.id)
            MODELS[call.function.name].model_validate_json(call.function.arguments)

    def test_a_required_call_is_made_and_valid(self):
        for seed in range(4):
            [choice] = self.ask(tool_choice="required", temperature=1, seed=seed).choices
            self.assertEqual(choice.finish_reason, "tool_calls")
            self.assertEqual(len(choice.message.tool_calls), 1)
            self.assert_valid(choice.message.tool_calls)

    def test_and_so_are_several_calls(self):
        for seed in range(4):
            [choice] = self.ask(tool_choice="required", temperature=1, seed=seed,
                                parallel_tool_calls=True).choices
            calls = choice.message.tool_calls
            if choice.finish_reason == "length":
                *calls, _cut = calls
            else:
                self.assertEqual(choice.finish_reason, "tool_calls")
            self.assert_valid(calls)

    def test_the_named_tool_is_called_once(self):
        for name in MODELS:
            named = {"type": "function", "function": {"name": name}}
            [choice] = self.ask(tool_choice=named, temperature=1).choices
            [call] = choice.message.tool_calls
            self.assertEqual(call.function.name, name)
            self.assert_valid([call])

    def test_the_model_may_call_or_answer(self):
        for settings in ({}, {"tool_choice": "auto"}):
            [choice] = self.ask(**settings).choices
            if choice.finish_reason == "tool_calls":
                self.assertTrue(choice.message.tool_calls)
            else:
                self.assertTrue(choice.message.content)

    def test_a_choice_of_none_calls_nothing(self):
        [choice] = self.ask(tool_choice="none").choices
        self.assertIsNone(choice.message.tool_calls)
        self.assertTrue(choice.message.content)

    def test_a_streamed_call_is_the_whole_one_in_parts(self):
        for choice in ("required", {"type": "function", "function": {"name": "Weather"}}):
            settings = {"tool_choice": choice, "temperature": 1, "seed": 2}
            whole = self.ask(**settings).choices[0].message.tool_calls
            calls = {}
            chunks = list(self.ask(stream=True, **settings))
            for chunk in chunks:
                for part in chunk.choices[0].delta.tool_calls or ():
                    if part.id:
                        calls[part.index] = {"id": part.id, "name": part.function.name, "text": ""}
                    calls[part.index]["text"] += part.function.arguments or ""
            self.assertEqual(list(calls), list(range(len(whole))))
            self.assertEqual([(call["name"], call["text"]) for call in calls.values()],
                             [(call.function.name, call.function.arguments) for call in whole])
            self.assertEqual(chunks[-1].choices[0].finish_reason, "tool_calls")

    def test_the_clients_own_parsing_of_calls(self):
        reply = self.client.chat.completions.parse(
            model="default", messages=ASK, tool_choice="required", parallel_tool_calls=False,
            max_completion_tokens=300,
            tools=[openai.pydantic_function_tool(Weather), openai.pydantic_function_tool(Tide)])
        for call in reply.choices[0].message.tool_calls:
            self.assertIsInstance(call.function.parsed_arguments, MODELS[call.function.name])

    def test_the_clients_own_accumulation_of_streamed_calls(self):
        with self.client.chat.completions.stream(
                model="default", messages=ASK, tool_choice="required", parallel_tool_calls=False,
                max_completion_tokens=300,
                tools=[openai.pydantic_function_tool(Weather)]) as stream:
            done = [event for event in stream
                    if event.type == "tool_calls.function.arguments.done"]
            final = stream.get_final_completion()
        self.assertEqual(len(done), len(final.choices[0].message.tool_calls))
        for event in done:
            self.assertIsInstance(event.parsed_arguments, Weather)

    def test_a_tools_answer_goes_back(self):
        message = self.ask(tool_choice="required").choices[0].message
        answers = [{"role": "tool", "tool_call_id": call.id, "content": '{"celsius": 21}'}
                   for call in message.tool_calls]
        for sent in (message, message.to_dict(), message.model_dump(exclude_none=True)):
            reply = self.ask(messages=[*ASK, sent, *answers], tool_choice="none")
            self.assertTrue(reply.choices[0].message.content)

    def test_a_call_that_is_no_longer_known_is_refused(self):
        with self.assertRaises(openai.BadRequestError) as caught:
            self.ask(tool_choice={"type": "function", "function": {"name": "Moon"}})
        self.assertIn("tool_choice", caught.exception.param)


class SchemaTest(ClientTest):
    def test_a_pydantic_model_comes_back(self):
        for seed in range(4):
            reply = self.client.chat.completions.parse(
                model="default", messages=SEA, response_format=Map, temperature=1, seed=seed,
                max_completion_tokens=400)
            [choice] = reply.choices
            self.assertEqual(choice.finish_reason, "stop")
            self.assertIsInstance(choice.message.parsed, Map)

    def test_and_so_it_does_from_a_stream(self):
        with self.client.chat.completions.stream(
                model="default", messages=SEA, response_format=Map, temperature=1, seed=5,
                max_completion_tokens=400) as stream:
            self.assertTrue([event for event in stream if event.type == "content.delta"])
            final = stream.get_final_completion()
        self.assertIsInstance(final.choices[0].message.parsed, Map)

    def test_a_schema_of_its_own(self):
        schema = {"type": "object", "additionalProperties": False, "required": ["kind", "sizes"],
                  "properties": {"kind": {"const": "sea"},
                                 "sizes": {"type": "array", "minItems": 2, "maxItems": 2,
                                           "items": {"type": "integer", "minimum": 10,
                                                     "maximum": 12}}}}
        named = {"type": "json_schema", "json_schema": {"name": "sea", "schema": schema}}
        for settings in ({"response_format": named}, {"extra_body": {"json_schema": schema}}):
            for seed in range(3):
                reply = self.chat(temperature=1, seed=seed, max_completion_tokens=100, **settings)
                said = json.loads(reply.choices[0].message.content)
                self.assertEqual((list(said), said["kind"]), (["kind", "sizes"], "sea"))
                self.assertEqual(len(said["sizes"]), 2)
                self.assertLessEqual(set(said["sizes"]), {10, 11, 12})

    def test_a_json_object(self):
        asked = "Reply with the JSON object {\"salty\": true} and nothing else."
        [choice] = self.chat(messages=[{"role": "user", "content": asked}],
                             response_format={"type": "json_object"},
                             max_completion_tokens=300).choices
        self.assertEqual(choice.finish_reason, "stop")
        self.assertIsInstance(json.loads(choice.message.content), dict)

    def test_a_reply_that_is_cut_is_the_clients_own_error(self):
        with self.assertRaises(openai.LengthFinishReasonError):
            self.client.chat.completions.parse(model="default", messages=SEA, response_format=Map,
                                               max_completion_tokens=3)

    def test_what_cannot_be_enforced_is_refused_or_reported(self):
        schema = {"type": "object", "properties": {"a": {"type": "array", "uniqueItems": True,
                                                         "items": {"type": "boolean"},
                                                         "maxItems": 2}},
                  "required": ["a"], "additionalProperties": False}
        lenient = {"type": "json_schema", "json_schema": {"name": "a", "schema": schema}}
        strict = {"type": "json_schema", "json_schema": {**lenient["json_schema"], "strict": True}}
        with self.assertRaises(openai.BadRequestError) as caught:
            self.chat(response_format=strict)
        self.assertRegex(caught.exception.param, "^response_format")
        self.assertIn("uniqueItems", caught.exception.message)
        reply = self.chat(response_format=lenient, max_completion_tokens=100)
        self.assertIn("uniqueItems", str(reply.x_ignored))
        self.assertIsInstance(json.loads(reply.choices[0].message.content)["a"], list)


if __name__ == "__main__":
    unittest.main()
