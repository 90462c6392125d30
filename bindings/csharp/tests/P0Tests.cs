using System.Globalization;
using System.Reflection;

namespace Realms.Tests;

/// <summary>The built assembly has every name of <see cref="P0Surface"/>, with its signature.</summary>
public class P0Tests
{
    private const BindingFlags Members = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Static | BindingFlags.Instance;

    private static readonly Dictionary<Type, string> Keywords = new()
    {
        [typeof(void)] = "void", [typeof(string)] = "string", [typeof(bool)] = "bool", [typeof(byte)] = "byte",
        [typeof(int)] = "int", [typeof(long)] = "long", [typeof(double)] = "double",
    };

    [Test]
    public void EveryNameExistsWithItsSignature()
    {
        var missing = new List<string>();
        HashSet<string> members = [];
        var type = "";
        foreach (var line in P0Surface.Text.Split('\n').Select(line => line.TrimEnd()))
        {
            if (line.StartsWith("  ", StringComparison.Ordinal))
            {
                if (!members.Contains(line.Trim()))
                {
                    missing.Add($"{type}: {line.Trim()}");
                }

                continue;
            }

            type = line.Split(" : ")[0];
            var found = typeof(Realm).Assembly.GetType(type);
            members = found is null ? [] : Print(found);
            var traits = line.Contains(" : ", StringComparison.Ordinal) ? line.Split(" : ")[1].Split(", ") : [];
            missing.AddRange(traits.Where(trait => found is null || !HasTrait(found, trait)).Select(trait => $"{type} is no {trait}"));
            Check.True(found is { IsVisible: true }, $"the type {type} is missing");
        }

        Check.True(missing.Count == 0, $"{missing.Count} missing:\n{string.Join("\n", missing)}");
    }

    /// <summary>What makes queries of asymmetric classes an error of the compiler.</summary>
    [Test]
    public void AsymmetricObjectsAreNoRealmObjects()
    {
        Check.True(!typeof(IRealmObject).IsAssignableFrom(typeof(IAsymmetricObject)), "IAsymmetricObject is an IRealmObject");
        Check.True(!typeof(IRealmObject).IsAssignableFrom(typeof(AsymmetricObject)), "AsymmetricObject is an IRealmObject");
    }

    private static bool HasTrait(Type type, string trait)
    {
        if (trait.StartsWith("enum ", StringComparison.Ordinal))
        {
            var parts = trait.Split(' ');
            var values = type.GetFields(BindingFlags.Public | BindingFlags.Static)
                .Select(field => $"{field.Name}={Convert.ToInt64(field.GetRawConstantValue(), CultureInfo.InvariantCulture)}").ToHashSet();
            return type.IsEnum && Name(Enum.GetUnderlyingType(type)) == parts[1] && parts.Skip(2).All(values.Contains);
        }

        return trait switch
        {
            "abstract" => type.IsAbstract,
            "sealed" => type.IsSealed,
            _ => Bases(type).Any(item => Name(item) == trait),
        };
    }

    private static IEnumerable<Type> Bases(Type type)
    {
        for (var item = type.BaseType; item is not null; item = item.BaseType)
        {
            yield return item;
        }

        foreach (var item in type.GetInterfaces())
        {
            yield return item;
        }
    }

    private static HashSet<string> Print(Type type)
    {
        HashSet<string> found = [];
        foreach (var method in type.GetMethods(Members).Where(method => Visible(method)))
        {
            found.Add($"{Static(method)}{Name(method.ReturnType)} {method.Name}{Generic(method)}({Parameters(method)}){Constraints(method)}");
        }

        foreach (var constructor in type.GetConstructors(Members).Where(item => Visible(item)))
        {
            found.Add($"new({Parameters(constructor)})");
        }

        foreach (var property in type.GetProperties(Members).Where(item => Visible(item.GetMethod)))
        {
            var set = Visible(property.SetMethod) ? " set;" : "";
            found.Add($"{Static(property.GetMethod!)}{Name(property.PropertyType)} {property.Name} {{ get;{set} }}");
        }

        foreach (var item in type.GetEvents(Members).Where(item => Visible(item.AddMethod)))
        {
            found.Add($"event {Name(item.EventHandlerType!)} {item.Name}");
        }

        foreach (var item in type.GetNestedTypes().Where(item => typeof(Delegate).IsAssignableFrom(item)))
        {
            var invoke = item.GetMethod("Invoke")!;
            found.Add($"delegate {Name(invoke.ReturnType)} {item.Name}({Parameters(invoke)})");
        }

        return found;
    }

    /// <summary>Public, or open to classes that derive from it in other assemblies.</summary>
    private static bool Visible(MethodBase? method) => method is { IsPublic: true } or { IsFamily: true } or { IsFamilyOrAssembly: true };

    private static string Static(MethodBase method) => method.IsStatic ? "static " : "";

    private static string Generic(MethodInfo method)
        => method.IsGenericMethod ? $"<{string.Join(", ", method.GetGenericArguments().Select(Name))}>" : "";

    private static string Constraints(MethodInfo method) => string.Concat(method.IsGenericMethod
        ? method.GetGenericArguments().Where(item => item.GetGenericParameterConstraints().Length > 0).Select(item =>
            $" where {item.Name} : {string.Join(", ", item.GetGenericParameterConstraints().Where(Direct(item)).Select(Name))}")
        : []);

    /// <summary>The interfaces that a constraint brings along are not written in the source.</summary>
    private static Func<Type, bool> Direct(Type parameter)
        => item => !parameter.GetGenericParameterConstraints().Any(other => other != item && item.IsAssignableFrom(other));

    private static string Parameters(MethodBase method) => string.Join(", ", method.GetParameters().Select(item =>
        $"{Name(item.ParameterType)} {item.Name}{(item.IsOptional ? $" = {Default(item)}" : "")}"));

    private static string Default(ParameterInfo parameter) => parameter.DefaultValue switch
    {
        null when parameter.ParameterType.IsValueType && Nullable.GetUnderlyingType(parameter.ParameterType) is null => "default",
        null => "null",
        bool value => value ? "true" : "false",
        var value => Convert.ToString(value, CultureInfo.InvariantCulture) ?? "",
    };

    private static string Name(Type type)
    {
        if (Keywords.TryGetValue(type, out var keyword))
        {
            return keyword;
        }

        if (Nullable.GetUnderlyingType(type) is { } inner)
        {
            return $"{Name(inner)}?";
        }

        return type.IsGenericType
            ? $"{type.Name.Split('`')[0]}<{string.Join(", ", type.GetGenericArguments().Select(Name))}>"
            : type.Name;
    }
}
