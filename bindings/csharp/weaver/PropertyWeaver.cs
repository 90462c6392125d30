using Mono.Cecil;
using Mono.Cecil.Cil;

namespace Atoll.Realms.Weaver;

internal sealed class UnsupportedPropertyException(string message) : Exception(message);

/// <summary>
/// Puts a test before the body of a getter and a setter: with an accessor the value is the realm's, without one the
/// body goes on as written. Initialisers write the fields, so they run as they did; a setter that is called is marked.
/// </summary>
internal sealed class PropertyWeaver
{
    private static readonly Dictionary<string, string> Simple = new(StringComparer.Ordinal)
    {
        ["System.Boolean"] = "Boolean",
        ["System.Byte"] = "Byte",
        ["System.Int16"] = "Int16",
        ["System.Int32"] = "Int32",
        ["System.Int64"] = "Int64",
        ["System.Char"] = "Char",
        ["System.Double"] = "Double",
        ["System.Single"] = "Single",
        ["System.Decimal"] = "Decimal",
        ["MongoDB.Bson.Decimal128"] = "Decimal128",
        ["System.String"] = "String",
        ["System.Byte[]"] = "Binary",
        ["System.DateTimeOffset"] = "DateTimeOffset",
        ["System.Guid"] = "Guid",
        ["MongoDB.Bson.ObjectId"] = "ObjectId",
    };

    /// <summary>Collections, whose last argument is what they hold.</summary>
    private static readonly Dictionary<string, string> Collections = new(StringComparer.Ordinal)
    {
        ["System.Collections.Generic.IList`1"] = "List",
        ["System.Collections.Generic.ISet`1"] = "Set",
        ["System.Collections.Generic.IDictionary`2"] = "Dictionary",
        ["System.Linq.IQueryable`1"] = "Backlinks",
    };

    private const string AnyValue = "Realms.RealmValue";
    private const string Counter = "Realms.RealmInteger`1";
    private const string Optional = "System.Nullable`1";

    private readonly TypeDefinition _type;
    private readonly Library _library;
    private readonly FieldReference _core;
    private readonly MethodReference _raise;

    public PropertyWeaver(TypeDefinition type, Library library)
    {
        _type = type;
        _library = library;
        var isClassStyle = Library.IsClassStyle(type);
        _core = isClassStyle ? library.BaseCoreField : type.Fields.Single(field => field.Name == "__realmModelCore");
        _raise = isClassStyle ? library.BaseRaise : type.Methods.Single(method => method.Name == "RaiseRealmModelChanged");
    }

    /// <summary>Stored are automatic properties with a setter, and automatic collections; not what is [Ignored].</summary>
    public static bool IsStored(PropertyDefinition property)
        => property is { HasThis: true, GetMethod: not null } && FieldOf(property) is not null
            && (property.SetMethod is not null || CollectionOf(property) is not null)
            && !property.CustomAttributes.Any(item => item.AttributeType.FullName == "Realms.IgnoredAttribute");

    public void Weave(PropertyDefinition property, int index)
    {
        if (CollectionOf(property) is { } collection)
        {
            WeaveCollection(property, collection, index);
        }
        else
        {
            var (name, argument) = NameOf(property);
            WeaveGetter(property, index, _library.Accessor("Get" + name, argument));
            WeaveSetter(property, index, _library.Accessor("Set" + name, argument));
        }

        property.CustomAttributes.Add(_library.NewAttribute(Library.WovenProperty, index));
    }

    private static FieldDefinition? FieldOf(PropertyDefinition property)
        => property.DeclaringType.Fields.FirstOrDefault(field => field.Name == $"<{property.Name}>k__BackingField");

    private static string? CollectionOf(PropertyDefinition property)
        => property.PropertyType is GenericInstanceType generic && Collections.TryGetValue(generic.ElementType.FullName, out var name)
            ? name
            : null;

    private static (string Name, TypeReference? Argument) NameOf(PropertyDefinition property)
    {
        var type = property.PropertyType;
        if (Simple.TryGetValue(type.FullName, out var simple))
        {
            return (simple, null);
        }

        if (type.FullName == AnyValue)
        {
            return ("RealmValue", null);
        }

        var prefix = "";
        if (type is GenericInstanceType { ElementType.FullName: Optional } optional)
        {
            prefix = "Nullable";
            type = optional.GenericArguments[0];
            if (Simple.TryGetValue(type.FullName, out var inner))
            {
                return (prefix + inner, null);
            }
        }

        if (type is GenericInstanceType { ElementType.FullName: Counter } counter)
        {
            CheckCounter(property, counter.GenericArguments[0]);
            return (prefix + "RealmInteger", counter.GenericArguments[0]);
        }

        CheckObject(property, property.PropertyType);
        return ("Object", type);
    }

    private static void CheckCounter(PropertyDefinition property, TypeReference width)
    {
        if (width.FullName is not ("System.Byte" or "System.Int16" or "System.Int32" or "System.Int64"))
        {
            throw new UnsupportedPropertyException(
                $"{property.DeclaringType.Name}.{property.Name}: a RealmInteger is of byte, short, int or long, not {width.Name}.");
        }
    }

    private static void CheckObject(PropertyDefinition property, TypeReference type)
    {
        var name = $"{property.DeclaringType.Name}.{property.Name}";
        if (type.IsGenericInstance || type.IsArray || type.IsGenericParameter || type.IsValueType)
        {
            throw new UnsupportedPropertyException($"{name}: a {type.Name} cannot be stored.");
        }

        if (Library.Is(type, "Realms.IAsymmetricObject") || Library.Is(type, "Realms.AsymmetricObject"))
        {
            throw new UnsupportedPropertyException($"{name}: no class may hold the asymmetric class {type.Name}.");
        }

        if (!Library.Is(type, "Realms.RealmObjectBase") && !Library.Is(type, "Realms.IRealmObject")
            && !Library.Is(type, "Realms.IEmbeddedObject"))
        {
            throw new UnsupportedPropertyException($"{name}: a {type.Name} cannot be stored.");
        }
    }

    /// <summary>Loads the accessor and, if there is none, goes on after the branch with an empty stack.</summary>
    private List<Instruction> Test(ILProcessor il, Instruction otherwise) =>
    [
        il.Create(OpCodes.Ldarg_0),
        il.Create(OpCodes.Ldflda, _core),
        il.Create(OpCodes.Ldfld, _library.AccessorField),
        il.Create(OpCodes.Dup),
        il.Create(OpCodes.Brfalse, otherwise),
    ];

    private void WeaveGetter(PropertyDefinition property, int index, MethodReference get)
    {
        var il = property.GetMethod.Body.GetILProcessor();
        var otherwise = il.Create(OpCodes.Pop);
        var code = Test(il, otherwise);
        code.Add(il.Create(OpCodes.Ldc_I4, index));
        code.Add(il.Create(OpCodes.Callvirt, get));
        code.Add(il.Create(OpCodes.Ret));
        code.Add(otherwise);
        Prepend(property.GetMethod, il, code);
    }

    private void WeaveSetter(PropertyDefinition property, int index, MethodReference set)
    {
        var method = property.SetMethod;
        var il = method.Body.GetILProcessor();
        var otherwise = il.Create(OpCodes.Pop);
        var code = Test(il, otherwise);
        code.Add(il.Create(OpCodes.Ldc_I4, index));
        code.Add(il.Create(OpCodes.Ldarg_1));
        code.Add(il.Create(OpCodes.Callvirt, set));
        code.Add(il.Create(OpCodes.Ret));
        code.Add(otherwise);
        code.Add(il.Create(OpCodes.Ldarg_0));
        code.Add(il.Create(OpCodes.Ldflda, _core));
        code.Add(il.Create(OpCodes.Ldc_I4, index));
        code.Add(il.Create(OpCodes.Call, _library.MarkAssigned));
        Prepend(method, il, code);
        var end = method.Body.Instructions[^1];
        il.InsertBefore(end, il.Create(OpCodes.Ldarg_0));
        il.InsertBefore(end, il.Create(OpCodes.Ldstr, property.Name));
        il.InsertBefore(end, il.Create(OpCodes.Call, _raise));
    }

    private void WeaveCollection(PropertyDefinition property, string collection, int index)
    {
        var element = ((GenericInstanceType)property.PropertyType).GenericArguments[^1];
        CheckElement(property, collection, element);
        if (property.SetMethod is not null)
        {
            throw new UnsupportedPropertyException($"{_type.Name}.{property.Name}: a collection has no setter: change its elements.");
        }

        var field = FieldOf(property)!;
        field.IsInitOnly = false;
        var body = property.GetMethod.Body;
        body.Instructions.Clear();
        var il = body.GetILProcessor();
        var otherwise = il.Create(OpCodes.Pop);
        foreach (var instruction in Test(il, otherwise))
        {
            il.Append(instruction);
        }

        il.Emit(OpCodes.Ldc_I4, index);
        il.Emit(OpCodes.Callvirt, _library.Accessor("Get" + collection, element));
        il.Emit(OpCodes.Ret);
        il.Append(otherwise);
        il.Emit(OpCodes.Ldarg_0);
        il.Emit(OpCodes.Ldflda, field);
        il.Emit(OpCodes.Call, _library.Ensure(collection, element));
        il.Emit(OpCodes.Ret);
    }

    private static void CheckElement(PropertyDefinition property, string collection, TypeReference element)
    {
        var name = $"{property.DeclaringType.Name}.{property.Name}";
        if (collection == "Backlinks" && !property.CustomAttributes.Any(item => item.AttributeType.FullName == "Realms.BacklinkAttribute"))
        {
            throw new UnsupportedPropertyException($"{name}: an IQueryable needs [Backlink], which names the link that it follows backwards.");
        }

        if (collection == "Dictionary" && ((GenericInstanceType)property.PropertyType).GenericArguments[0].FullName != "System.String")
        {
            throw new UnsupportedPropertyException($"{name}: the keys of a dictionary are strings.");
        }

        if (collection == "Set" && (Library.Is(element, "Realms.IEmbeddedObject") || Library.Is(element, "Realms.EmbeddedObject")))
        {
            throw new UnsupportedPropertyException($"{name}: a set cannot hold embedded objects.");
        }

        var bare = element is GenericInstanceType { ElementType.FullName: Optional } optional
            ? optional.GenericArguments[0]
            : element;
        if (!Simple.ContainsKey(bare.FullName) && element.FullName != AnyValue)
        {
            CheckObject(property, element);
        }
    }

    private static void Prepend(MethodDefinition method, ILProcessor il, List<Instruction> code)
    {
        var first = method.Body.Instructions[0];
        foreach (var instruction in code)
        {
            il.InsertBefore(first, instruction);
        }
    }
}
