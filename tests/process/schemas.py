"""JSON Schemas as applications send them: name → schema. All of each can be enforced."""


def obj(properties, required=None, **more):
    return {"type": "object", "properties": properties, "additionalProperties": False,
            "required": list(properties) if required is None else required, **more}


def short(length=8, **more):
    return {"type": "string", "maxLength": length, **more}


def array(items, most=3, **more):
    return {"type": "array", "items": items, "maxItems": most, **more}


SMALL = {"type": "integer", "minimum": 0, "maximum": 99}
YES_NO = {"type": "boolean"}
POINT = obj({"x": SMALL, "y": SMALL})

SCHEMAS = {
    "boolean": YES_NO,
    "null": {"type": "null"},
    "integer between bounds": {"type": "integer", "minimum": -5, "maximum": 120},
    "integer above": {"type": "integer", "exclusiveMinimum": 9, "maximum": 1000},
    "integer below": {"type": "integer", "minimum": 0, "exclusiveMaximum": 10},
    "number between bounds": {"type": "number", "minimum": 0, "maximum": 1},
    "negative numbers": {"type": "number", "minimum": -10.5, "maximum": -0.5},
    "multiple": {"type": "integer", "minimum": 0, "maximum": 1000, "multipleOf": 25},
    "short text": short(12),
    "text of a length": {"type": "string", "minLength": 3, "maxLength": 6},
    "text of any character": {"type": "string", "maxLength": 40},
    "enum of texts": {"enum": ["red", "green", "blue"]},
    "enum of a thousand": {"enum": [f"value-{i}" for i in range(1000)]},
    "enum of kinds": {"enum": ["a", 1, 2.5, None, True, [], {"a": 1}]},
    "const": {"const": {"fixed": ["yes", 1]}},
    "const text": {"const": "a \"quoted\" \\ text\n"},
    "pattern": {"type": "string", "pattern": "^[A-Z]{2}-[0-9]{4}$"},
    "pattern of alternatives": {"type": "string", "pattern": "^(foo|bar)(,(foo|bar)){0,3}$"},
    "pattern without anchors": {"type": "string", "pattern": "^[a-z]*x[a-z]{0,3}$",
                                "maxLength": 12},
    "date": {"type": "string", "format": "date"},
    "date and time": {"type": "string", "format": "date-time"},
    "time": {"type": "string", "format": "time"},
    "uuid": {"type": "string", "format": "uuid"},
    "ipv4": {"type": "string", "format": "ipv4"},
    "ipv6": {"type": "string", "format": "ipv6"},
    "email": {"type": "string", "format": "email"},
    "person": obj({"name": short(), "age": SMALL}),
    "optional members": obj({"a": SMALL, "b": YES_NO, "c": short()}, required=["b"]),
    "no member needed": obj({"a": SMALL, "b": SMALL}, required=[]),
    "empty object": obj({}),
    "members of one kind": {"type": "object", "additionalProperties": SMALL,
                            "maxProperties": 3, "properties": {}},
    "named and other members": {"type": "object", "properties": {"id": SMALL},
                                "required": ["id"], "additionalProperties": YES_NO,
                                "maxProperties": 3},
    "members by pattern": {"type": "object", "patternProperties": {"^[a-c]$": SMALL},
                           "additionalProperties": False},
    "nested": obj({"a": obj({"b": obj({"c": obj({"d": SMALL})})})}),
    "deeply nested": obj({"a": obj({"a": obj({"a": obj({"a": obj({"a": obj({"a": YES_NO})})})})})}),
    "many members": obj({f"f{i}": YES_NO for i in range(16)}),
    "list": array(SMALL),
    "list of a length": array(SMALL, 4, minItems=2),
    "empty list": array(SMALL, 0),
    "list of objects": array(POINT),
    "list of lists": array(array(SMALL, 2), 2),
    "tuple": {"type": "array", "prefixItems": [SMALL, short(), YES_NO], "items": False,
              "minItems": 3},
    "tuple with a rest": {"type": "array", "prefixItems": [YES_NO], "items": SMALL,
                          "maxItems": 3},
    "anyOf kinds": {"anyOf": [SMALL, YES_NO, {"type": "null"}]},
    "anyOf objects": {"anyOf": [obj({"cat": SMALL}), obj({"dog": YES_NO})]},
    "nullable": obj({"note": {"anyOf": [short(), {"type": "null"}]}}),
    "several types": {"type": ["integer", "boolean", "null"], "minimum": 0, "maximum": 9},
    "oneOf with a tag": {"oneOf": [
        obj({"kind": {"const": "circle"}, "radius": SMALL}),
        obj({"kind": {"const": "square"}, "side": SMALL})]},
    "allOf": {"allOf": [{"type": "object", "properties": {"a": SMALL}, "required": ["a"]},
                        {"type": "object", "properties": {"b": YES_NO}, "required": ["b"]}],
              "maxProperties": 2},
    "allOf bounds": {"allOf": [{"type": "integer", "minimum": 10}, {"maximum": 20}]},
    "ref": {"$defs": {"point": POINT}, **obj({"from": {"$ref": "#/$defs/point"},
                                              "to": {"$ref": "#/$defs/point"}})},
    "ref with definitions": {"definitions": {"n": SMALL}, **array({"$ref": "#/definitions/n"})},
    "recursive list": {"$ref": "#/$defs/list", "$defs": {"list": {"anyOf": [
        {"type": "null"}, obj({"head": YES_NO, "tail": {"$ref": "#/$defs/list"}})]}}},
    "recursive tree": {"$ref": "#/$defs/node", "$defs": {"node": obj(
        {"value": SMALL, "children": array({"$ref": "#/$defs/node"}, 1)})}},
    "mutually recursive": {"$ref": "#/$defs/a", "$defs": {
        "a": obj({"b": {"anyOf": [{"$ref": "#/$defs/b"}, {"type": "null"}]}}),
        "b": obj({"a": {"anyOf": [{"$ref": "#/$defs/a"}, {"type": "null"}]}})}},
    "escaped names": obj({"a \"b\"": SMALL, "c\\d": SMALL, "é": YES_NO}),
    "title and description": {"title": "T", "description": "D", "examples": [{}],
                              **obj({"a": {**SMALL, "description": "a number", "default": 1}})},
    "function call": obj({"name": {"const": "get_weather"}, "arguments": obj({
        "city": short(10), "unit": {"enum": ["celsius", "fahrenheit"]}})}),
    "extraction": obj({"people": array(obj({"name": short(), "born": {
        "type": "integer", "minimum": 1800, "maximum": 2100}}), 2), "count": SMALL}),
    "classification": obj({"label": {"enum": ["positive", "neutral", "negative"]},
                           "confidence": {"type": "number", "minimum": 0, "maximum": 1}}),
    "steps": obj({"steps": array(obj({"explanation": short(), "output": short()}), 2),
                  "answer": short()}),
    "any JSON below": obj({"data": {"type": "object", "maxProperties": 0}}),
}

# keyword → a schema with it that cannot be enforced
REFUSED = {
    "not": {"type": "string", "not": {"const": "a"}},
    "uniqueItems": {"type": "array", "items": SMALL, "uniqueItems": True},
    "contains": {"type": "array", "contains": SMALL},
    "propertyNames": {"type": "object", "propertyNames": {"maxLength": 3}},
    "dependentRequired": {"type": "object", "dependentRequired": {"a": ["b"]}},
    "if": {"if": {"type": "string"}, "then": {"maxLength": 3}},
    "unevaluatedProperties": {"type": "object", "unevaluatedProperties": False},
}
