using System.Globalization;
using System.Reflection;
using Realms.Weaving;

namespace Realms;

/// <summary>
/// A model class as data binding sees it: setting a property of a stored object outside of a transaction is a transaction
/// of its own. Everything else is the class's.
/// </summary>
internal sealed class BindingTypeInfo(Type type) : TypeDelegator(type)
{
    public override IEnumerable<PropertyInfo> DeclaredProperties => GetProperties(Everything | BindingFlags.DeclaredOnly);

    private static BindingFlags Everything
        => BindingFlags.Instance | BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic;

    public override PropertyInfo? GetDeclaredProperty(string name)
        => Wrap(typeImpl.GetProperty(name, Everything | BindingFlags.DeclaredOnly));

    public override PropertyInfo[] GetProperties(BindingFlags bindingAttr)
        => Array.ConvertAll(typeImpl.GetProperties(bindingAttr), property => Wrap(property)!);

    protected override PropertyInfo? GetPropertyImpl(
        string name, BindingFlags bindingAttr, Binder? binder, Type? returnType, Type[]? types, ParameterModifier[]? modifiers)
        => Wrap(base.GetPropertyImpl(name, bindingAttr, binder, returnType, types, modifiers));

    private static PropertyInfo? Wrap(PropertyInfo? property)
        => property?.SetMethod is { IsStatic: false } && property.IsDefined(typeof(WovenPropertyAttribute))
            ? new BindingProperty(property)
            : property;

    /// <summary>Runs a setter in a transaction where one is needed.</summary>
    private static void Set(object? target, Action set)
    {
        if (target is IRealmObjectBase { IsManaged: true, IsFrozen: false, Realm: { IsInTransaction: false } realm })
        {
            realm.Write(set);
        }
        else
        {
            set();
        }
    }

    private sealed class BindingProperty(PropertyInfo property) : PropertyInfo
    {
        public override PropertyAttributes Attributes => property.Attributes;

        public override bool CanRead => property.CanRead;

        public override bool CanWrite => property.CanWrite;

        public override Type PropertyType => property.PropertyType;

        public override Type? DeclaringType => property.DeclaringType;

        public override string Name => property.Name;

        public override Type? ReflectedType => property.ReflectedType;

        public override MethodInfo[] GetAccessors(bool nonPublic)
            => Array.ConvertAll(property.GetAccessors(nonPublic), method => method == property.SetMethod ? new BindingSetter(method) : method);

        public override MethodInfo? GetGetMethod(bool nonPublic) => property.GetGetMethod(nonPublic);

        public override MethodInfo? GetSetMethod(bool nonPublic)
            => property.GetSetMethod(nonPublic) is { } method ? new BindingSetter(method) : null;

        public override ParameterInfo[] GetIndexParameters() => property.GetIndexParameters();

        public override object? GetValue(object? obj, BindingFlags invokeAttr, Binder? binder, object?[]? index, CultureInfo? culture)
            => property.GetValue(obj, invokeAttr, binder, index, culture);

        public override void SetValue(
            object? obj, object? value, BindingFlags invokeAttr, Binder? binder, object?[]? index, CultureInfo? culture)
            => Set(obj, () => property.SetValue(obj, value, invokeAttr, binder, index, culture));

        public override object[] GetCustomAttributes(bool inherit) => property.GetCustomAttributes(inherit);

        public override object[] GetCustomAttributes(Type attributeType, bool inherit) => property.GetCustomAttributes(attributeType, inherit);

        public override bool IsDefined(Type attributeType, bool inherit) => property.IsDefined(attributeType, inherit);
    }

    private sealed class BindingSetter(MethodInfo setter) : MethodInfo
    {
        public override ICustomAttributeProvider ReturnTypeCustomAttributes => setter.ReturnTypeCustomAttributes;

        public override MethodAttributes Attributes => setter.Attributes;

        public override RuntimeMethodHandle MethodHandle => setter.MethodHandle;

        public override Type? DeclaringType => setter.DeclaringType;

        public override string Name => setter.Name;

        public override Type? ReflectedType => setter.ReflectedType;

        public override Type ReturnType => setter.ReturnType;

        public override MethodInfo GetBaseDefinition() => setter.GetBaseDefinition();

        public override MethodImplAttributes GetMethodImplementationFlags() => setter.GetMethodImplementationFlags();

        public override ParameterInfo[] GetParameters() => setter.GetParameters();

        public override object? Invoke(object? obj, BindingFlags invokeAttr, Binder? binder, object?[]? parameters, CultureInfo? culture)
        {
            Set(obj, () => setter.Invoke(obj, invokeAttr, binder, parameters, culture));
            return null;
        }

        public override object[] GetCustomAttributes(bool inherit) => setter.GetCustomAttributes(inherit);

        public override object[] GetCustomAttributes(Type attributeType, bool inherit) => setter.GetCustomAttributes(attributeType, inherit);

        public override bool IsDefined(Type attributeType, bool inherit) => setter.IsDefined(attributeType, inherit);
    }
}
