using Mono.Cecil;

namespace Atoll.Realms.Weaver;

/// <summary>The parts of the library that woven code calls, imported into the module that is woven.</summary>
internal sealed class Library
{
    public const string AssemblyName = "Atoll.Realms";
    public const string WovenAssembly = "Realms.Weaving.WovenAssemblyAttribute";
    public const string Woven = "Realms.Weaving.WovenAttribute";
    public const string WovenProperty = "Realms.Weaving.WovenPropertyAttribute";

    private const string Generated = "Realms.Weaving.GeneratedModelAttribute";

    private readonly ModuleDefinition _source;
    private readonly TypeDefinition _accessor;

    public Library(ModuleDefinition module, ModuleDefinition source)
    {
        Module = module;
        _source = source;
        _accessor = Type("Realms.ManagedAccessor");
        var core = Type("Realms.Weaving.ModelCore");
        AccessorField = module.ImportReference(core.Fields.Single(field => field.Name == "Accessor"));
        MarkAssigned = module.ImportReference(core.Methods.Single(method => method.Name == "MarkAssigned"));
        var model = Type("Realms.RealmObjectBase");
        BaseCoreField = module.ImportReference(model.Fields.Single(field => field.Name == "RealmModelCore"));
        BaseRaise = module.ImportReference(model.Methods.Single(method => method.Name == "RaiseRealmModelChanged"));
    }

    public ModuleDefinition Module { get; }

    public FieldReference AccessorField { get; }

    public MethodReference MarkAssigned { get; }

    public FieldReference BaseCoreField { get; }

    public MethodReference BaseRaise { get; }

    public bool IsModel(TypeDefinition type)
        => type.IsClass && !type.IsAbstract && (IsClassStyle(type) || IsGenerated(type));

    public static bool IsClassStyle(TypeDefinition type)
        => type.BaseType?.FullName is "Realms.RealmObject" or "Realms.EmbeddedObject" or "Realms.AsymmetricObject";

    /// <summary>A method of the accessor: not generic, or closed over one type.</summary>
    public MethodReference Accessor(string name, TypeReference? argument = null)
    {
        var method = Module.ImportReference(_accessor.Methods.Single(
            item => item.Name == name && item.IsPublic && item.Parameters[0].ParameterType.FullName == "System.Int32"));
        return argument is null ? method : Close(method, argument);
    }

    /// <summary>What makes the collection of an object that is not stored yet when it is first asked for.</summary>
    public MethodReference Ensure(string collection, TypeReference element)
        => Close(
            Module.ImportReference(Type("Realms.Weaving.ModelSupport").Methods.Single(method => method.Name == "Ensure" + collection)),
            element);

    public CustomAttribute NewAttribute(string name, int? index = null)
    {
        var constructor = Type(name).Methods.Single(method => method.IsConstructor && !method.IsStatic);
        var attribute = new CustomAttribute(Module.ImportReference(constructor));
        if (index is { } value)
        {
            attribute.ConstructorArguments.Add(new CustomAttributeArgument(Module.TypeSystem.Int32, value));
        }

        return attribute;
    }

    /// <summary>True if a type is, or derives from, or implements the named one.</summary>
    public static bool Is(TypeReference type, string name)
    {
        for (var at = type.Resolve(); at is not null; at = at.BaseType?.Resolve())
        {
            if (at.FullName == name || at.Interfaces.Any(item => item.InterfaceType.FullName == name))
            {
                return true;
            }
        }

        return false;
    }

    private static bool IsGenerated(TypeDefinition type)
        => type.CustomAttributes.Any(item => item.AttributeType.FullName == Generated);

    private static GenericInstanceMethod Close(MethodReference method, TypeReference argument)
    {
        var closed = new GenericInstanceMethod(method);
        closed.GenericArguments.Add(argument);
        return closed;
    }

    private TypeDefinition Type(string name)
        => _source.GetType(name) ?? throw new InvalidOperationException($"The library has no type {name}: versions do not fit.");
}
