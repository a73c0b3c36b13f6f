# What every stand-in cmdlet runs: sends its bound parameters to the lab and turns the answer into objects, errors and
# noise. generate.ts puts the tables Enums, Flags, Classes, Exceptions and Settable in front of it. Runs in Windows
# PowerShell
# 5.1 and in 7. Needs LAB_URL (where the lab listens) and LAB_NODE (the node that this shell is on).
Set-StrictMode -Off
if (-not ('System.Net.Http.HttpClient' -as [type])) { Add-Type -AssemblyName System.Net.Http }

# --- Types with the names that they have on Windows, emitted once per process. A class needs a ToString of its own:
# PowerShell ignores a ScriptMethod of that name on anything but a PSCustomObject.
function New-LabType {
    $flags = [System.Reflection.MethodAttributes]'Public,Virtual,HideBySig'
    $name = New-Object System.Reflection.AssemblyName 'Lab.Types'
    $assembly = [System.Reflection.Emit.AssemblyBuilder]::DefineDynamicAssembly($name, 'Run')
    $module = $assembly.DefineDynamicModule('Lab.Types')
    $op = [System.Reflection.Emit.OpCodes]
    foreach ($type in $script:Enums.Keys) {
        $number = if ($script:Flags[$type]) { $script:Flags[$type] -as [type] } else { [int] }
        $builder = $module.DefineEnum($type, 'Public', $number)
        if ($script:Flags[$type]) {
            $constructor = [FlagsAttribute].GetConstructor([type[]]@())
            $builder.SetCustomAttribute([System.Reflection.Emit.CustomAttributeBuilder]::new($constructor, [object[]]@()))
        }
        foreach ($key in $script:Enums[$type].Keys) {
            [void]$builder.DefineLiteral($key, [Convert]::ChangeType($script:Enums[$type][$key], $number))
        }
        [void]$builder.CreateType()
    }
    foreach ($type in $script:Classes) {
        if ($script:Enums.Contains($type)) { continue }
        $builder = $module.DefineType($type, 'Public,Class')
        $field = $builder.DefineField('text', [string], 'Private')
        $il = $builder.DefineConstructor('Public', 'Standard', [type[]]@([string])).GetILGenerator()
        $il.Emit($op::Ldarg_0)
        $il.Emit($op::Call, [object].GetConstructor([type[]]@()))
        $il.Emit($op::Ldarg_0)
        $il.Emit($op::Ldarg_1)
        $il.Emit($op::Stfld, $field)
        $il.Emit($op::Ret)
        $il = $builder.DefineMethod('ToString', $flags, [string], [type[]]@()).GetILGenerator()
        $il.Emit($op::Ldarg_0)
        $il.Emit($op::Ldfld, $field)
        $il.Emit($op::Ret)
        [void]$builder.CreateType()
    }
    foreach ($type in $script:Exceptions) {
        $builder = $module.DefineType($type, 'Public,Class', [Exception])
        $arguments = [type[]]([string], [Exception])
        $il = $builder.DefineConstructor('Public', 'Standard', $arguments).GetILGenerator()
        $il.Emit($op::Ldarg_0)
        $il.Emit($op::Ldarg_1)
        $il.Emit($op::Ldarg_2)
        $il.Emit($op::Call, [Exception].GetConstructor($arguments))
        $il.Emit($op::Ret)
        [void]$builder.CreateType()
    }
}
if (-not ('Microsoft.FailoverClusters.PowerShell.Cluster' -as [type])) { New-LabType }

$script:ClassTypes = @{}
foreach ($type in $script:Classes) { $script:ClassTypes[$type] = $type -as [type] }

# --- Properties that tell the lab when somebody sets them, ready to be copied onto objects.
$script:Setters = @{}
foreach ($type in $script:Settable.Keys) {
    $script:Setters[$type] = @{}
    foreach ($property in $script:Settable[$type]) {
        # Bound to this module, which may have been loaded inside another one. The comma keeps a collection whole.
        $module = $ExecutionContext.SessionState.Module
        $getText = ", `$this.PSObject.Members['LabState'].Value['$property']"
        $setText = "param(`$Value) Set-LabProperty `$this '$property' `$Value"
        $get = $module.NewBoundScriptBlock([scriptblock]::Create($getText))
        $set = $module.NewBoundScriptBlock([scriptblock]::Create($setText))
        $script:Setters[$type][$property] =
            [System.Management.Automation.PSScriptProperty]::new($property, $get, $set)
    }
}

# --- Transport
$script:Utf8 = New-Object System.Text.UTF8Encoding $false
$script:Http = New-Object System.Net.Http.HttpClient
# A cmdlet may hang for as long as it likes; who calls it has the clock.
$script:Http.Timeout = [System.Threading.Timeout]::InfiniteTimeSpan

# The answer as objects. No answer is what a dead machine gives, and then this shell is dead too.
function Send-Lab($Request) {
    $json = ConvertTo-Json -InputObject $Request -Compress -Depth 20
    try {
        $content = New-Object System.Net.Http.StringContent $json, $script:Utf8, 'application/json'
        $uri = $env:LAB_URL.TrimEnd('/') + '/cmdlets'
        $response = $script:Http.PostAsync($uri, $content).GetAwaiter().GetResult()
        $text = $response.Content.ReadAsStringAsync().GetAwaiter().GetResult()
    }
    catch {
        [Console]::Error.WriteLine("The lab at $env:LAB_URL does not answer.")
        [Environment]::Exit(70)
    }
    $script:Seen = @{}
    $answer = ConvertFrom-Json -InputObject $text
    if ($answer.error) { throw "The lab refused the call: $($answer.error.message)" }
    $answer
}

# --- Values out. Objects that came from the lab go back by their name.
function ConvertTo-LabValue($Value) {
    if ($null -eq $Value) { return $null }
    $id = $Value.PSObject.Members['LabId']
    if ($id) { return @{ '$ref' = $id.Value } }
    if ($Value -is [System.Management.Automation.PSCustomObject]) {
        $table = @{}
        foreach ($property in $Value.PSObject.Properties) {
            $table[$property.Name] = ConvertTo-LabValue $property.Value
        }
        return $table
    }
    if ($Value -is [psobject]) { $Value = $Value.PSObject.BaseObject }
    if ($Value -is [switch]) { return [bool]$Value }
    if ($Value -is [string] -or $Value -is [bool] -or $Value -is [double]) { return $Value }
    if ($Value -is [int] -or $Value -is [int16] -or $Value -is [uint16] -or $Value -is [byte]) { return $Value }
    if ($Value -is [long] -or $Value -is [uint32] -or $Value -is [uint64]) { return $Value }
    if ($Value -is [datetime]) { return @{ '$date' = $Value.ToUniversalTime().ToString('o') } }
    if ($Value -is [timespan]) { return @{ '$span' = $Value.TotalMilliseconds } }
    # A secret leaves nothing behind in the lab's list of calls.
    if ($Value -is [pscredential] -or $Value -is [securestring]) { return @{ '$secret' = $true } }
    if ($Value -is [System.Collections.IDictionary]) {
        $table = @{}
        foreach ($key in $Value.Keys) { $table[[string]$key] = ConvertTo-LabValue $Value[$key] }
        return $table
    }
    if ($Value -is [System.Collections.IEnumerable]) {
        $list = New-Object System.Collections.ArrayList
        foreach ($item in $Value) { [void]$list.Add((ConvertTo-LabValue $item)) }
        return , $list.ToArray()
    }
    [string]$Value
}

# --- Values in; wire.ts says what the marks mean. Plain and constructors instead of New-Object: a list of resources has
# hundreds of values.
# Objects of this answer by name: one that comes again is sent by name only.
$script:Seen = @{}

function ConvertFrom-LabValue($Value) {
    if ($null -eq $Value -or $Value -is [string] -or $Value -is [bool]) { return $Value }
    if ($Value -is [long]) {
        if ($Value -ge -2147483648 -and $Value -le 2147483647) { return [int]$Value }
        return $Value
    }
    if ($Value -is [array]) {
        $list = [object[]]::new($Value.Count)
        for ($i = 0; $i -lt $list.Count; $i++) { $list[$i] = ConvertFrom-LabValue $Value[$i] }
        return , $list
    }
    if ($Value -isnot [System.Management.Automation.PSCustomObject]) { return $Value }
    $marks = $Value.PSObject.Properties
    if ($marks['$t']) { return New-LabObject $Value }
    if ($marks['$r']) { return $script:Seen[$Value.'$r'] }
    if ($marks['$e']) { return [Enum]::ToObject(($Value.'$e'[0] -as [type]), [long]$Value.'$e'[1]) }
    if ($marks['$s']) { return ([string]$Value.'$s').Substring(1) }
    if ($marks['$i8']) { return [long]$Value.'$i8' }
    if ($marks['$u4']) { return [uint32]$Value.'$u4' }
    if ($marks['$u8']) { return [uint64]$Value.'$u8' }
    if ($marks['$g']) { return [guid]$Value.'$g' }
    if ($marks['$v']) { return [version]([string]$Value.'$v') }
    if ($marks['$d']) { return [datetimeoffset]::FromUnixTimeMilliseconds([long]$Value.'$d').LocalDateTime }
    if ($marks['$span']) { return [timespan]::FromMilliseconds([double]$Value.'$span') }
    if ($marks['$strings']) {
        $strings = [System.Collections.Specialized.StringCollection]::new()
        foreach ($item in @($Value.'$strings')) { [void]$strings.Add([string](ConvertFrom-LabValue $item)) }
        return , $strings
    }
    throw "The lab sent a value without a mark: $($Value)"
}

$script:IsHidden = [System.Management.Automation.PSMemberInfo].GetProperty(
    'IsHidden', [System.Reflection.BindingFlags]'NonPublic,Instance')

function Add-LabHidden($Object, [string]$Name, $Value) {
    $note = [System.Management.Automation.PSNoteProperty]::new($Name, $Value)
    if ($script:IsHidden -and $script:IsHidden.CanWrite) { $script:IsHidden.SetValue($note, $true) }
    $Object.PSObject.Members.Add($note)
}

function New-LabObject($Wire) {
    $type = [string]$Wire.'$t'
    $values = $Wire.p
    $real = $script:ClassTypes[$type]
    if ($real) {
        $text = if ($Wire.says) { [string](ConvertFrom-LabValue $Wire.says) }
        elseif ($Wire.text) { [string](ConvertFrom-LabValue $values.($Wire.text)) }
        else { $type }
        $object = [psobject][Activator]::CreateInstance($real, [object[]]@($text))
    }
    else {
        $object = [psobject]::new()
        $object.PSObject.TypeNames.Insert(0, $type)
        # What a parameter that takes any CimInstance looks for.
        if ($Wire.base) { $object.PSObject.TypeNames.Insert(1, [string]$Wire.base) }
    }
    $members = $object.PSObject.Members
    if ($Wire.id) {
        Add-LabHidden $object -Name LabId -Value ([string]$Wire.id)
        $script:Seen[[string]$Wire.id] = $object
    }
    foreach ($method in @($Wire.m)) { if ($null -ne $method) { $members.Add((New-LabMethod ([string]$method))) } }
    if ($Wire.m) { Add-LabHidden $object -Name LabSends -Value @($Wire.sends) }
    $settable = $script:Setters[$type]
    $state = $null
    foreach ($property in $values.PSObject.Properties) {
        $value = $property.Value
        if ($null -ne $value -and $value -isnot [string] -and $value -isnot [bool]) {
            $value = ConvertFrom-LabValue $value
        }
        if ($settable -and $settable[$property.Name]) {
            if ($null -eq $state) { $state = @{} }
            $state[$property.Name] = $value
            $members.Add($settable[$property.Name].Copy())
        }
        else { $members.Add([System.Management.Automation.PSNoteProperty]::new($property.Name, $value)) }
    }
    if ($state) { Add-LabHidden $object -Name LabState -Value $state }
    $object
}

# A method of an object of COM, bound to this module as the setters are.
$script:Methods = @{}

function New-LabMethod([string]$Name) {
    if (-not $script:Methods[$Name]) {
        $text = "Invoke-LabMethod `$this '$Name' `$args"
        $block = $ExecutionContext.SessionState.Module.NewBoundScriptBlock([scriptblock]::Create($text))
        $script:Methods[$Name] = [System.Management.Automation.PSScriptMethod]::new($Name, $block)
    }
    $script:Methods[$Name].Copy()
}

function Invoke-LabMethod($Object, [string]$Name, $Arguments) {
    $caller = @(Get-LabCaller)
    $sent = @{ Arguments = @($Arguments | ForEach-Object { ConvertTo-LabValue $_ }) }
    foreach ($property in @($Object.PSObject.Members['LabSends'].Value)) {
        if ($null -ne $property) { $sent[$property] = ConvertTo-LabValue $Object.$property }
    }
    $answer = Send-Lab @{
        node = $env:LAB_NODE
        within = $caller[0]
        invocation = $caller[1]
        object = $Object.PSObject.Members['LabId'].Value
        cmdlet = ([string]$Object.PSObject.TypeNames[0]).Split('.')[-1] + '.' + $Name
        bound = $sent
    }
    if ($null -ne $answer.exit) { [Environment]::Exit([int]$answer.exit) }
    foreach ($failure in @($answer.errors)) {
        if ($null -ne $failure) { throw (New-LabError $failure).Exception }
    }
    foreach ($item in @($answer.out)) { if ($null -ne $item) { ConvertFrom-LabValue $item } }
}

function Set-LabProperty($Object, [string]$Name, $Value) {
    $caller = @(Get-LabCaller)
    $answer = Send-Lab @{
        node = $env:LAB_NODE
        within = $caller[0]
        invocation = $caller[1]
        object = $Object.PSObject.Members['LabId'].Value
        property = $Name
        value = ConvertTo-LabValue $Value
    }
    if ($null -ne $answer.exit) { [Environment]::Exit([int]$answer.exit) }
    foreach ($failure in @($answer.errors)) {
        if ($null -ne $failure) { throw (New-LabError $failure).Exception }
    }
    $Object.PSObject.Members['LabState'].Value[$Name] = ConvertFrom-LabValue @($answer.out)[0]
}

# --- Errors as Windows gives them. The private field keeps the error's own id: with the public constructor, the part
# behind the comma would name the stand-in's function.
$script:FqidField = [System.Management.Automation.ErrorRecord].GetField(
    '_serializedFullyQualifiedErrorId', 'NonPublic,Instance')
# Not public in the .NET Framework.
$script:HResult = [Exception].GetProperty('HResult').GetSetMethod($true)

function New-LabError($Failure) {
    $message = [string](ConvertFrom-LabValue $Failure.message)
    $inner = $null
    if ($null -ne $Failure.native) {
        $inner = New-Object System.ComponentModel.Win32Exception ([int]$Failure.native), $message
    }
    elseif ($null -ne $Failure.operation) {
        $operation = 'Microsoft.Virtualization.Client.Management.VirtualizationOperationFailedException' -as [type]
        $inner = [Activator]::CreateInstance($operation, [object[]]@($message, $null))
        $inner | Add-Member -NotePropertyName ErrorCode -NotePropertyValue ([int]$Failure.operation)
    }
    $type = [string]$Failure.type -as [type]
    $exception =
        if ($type -and ($inner -or $script:Exceptions -contains [string]$Failure.type)) {
            [Activator]::CreateInstance($type, [object[]]@($message, [Exception]$inner))
        }
        elseif ($type) { [Activator]::CreateInstance($type, [object[]]@($message)) }
        else { New-Object System.Exception $message, $inner }
    if ($null -ne $Failure.hresult) {
        [void]$script:HResult.Invoke($exception, [object[]]@([int]$Failure.hresult))
    }
    if ($null -ne $Failure.errorCode) {
        $exception | Add-Member -NotePropertyName ErrorCode -NotePropertyValue ([int]$Failure.errorCode)
    }
    $category = [System.Management.Automation.ErrorCategory][string]$Failure.category
    $target = ConvertFrom-LabValue $Failure.target
    $record = New-Object System.Management.Automation.ErrorRecord $exception, ([string]$Failure.fqid), $category, $target
    if ($script:FqidField) { $script:FqidField.SetValue($record, [string]$Failure.fqid) }
    if ($Failure.origin) {
        $origin = New-Object System.Management.Automation.Remoting.OriginInfo ([string]$Failure.origin), ([guid]::Empty)
        $record = New-Object System.Management.Automation.Runspaces.RemotingErrorRecord $record, $origin
        if ($script:FqidField) { $script:FqidField.SetValue($record, [string]$Failure.fqid) }
    }
    $record
}

# --- Which function of watari's module calls, and which call of it this is: a fault on a reading must not strike an act
# that reads too, and one that has struck must not be overcome by trying again within the same operation.
$script:Invocation = $null
$script:InvocationNumber = 0

function Get-LabCaller {
    $frames = @([runspace]::DefaultRunspace.Debugger.GetCallStack())
    for ($i = $frames.Count - 1; $i -ge 0; $i--) {
        $name = ([string]$frames[$i].FunctionName).Split('<')[0]
        if ($name -notlike '*-Watari*' -or $name -eq 'Invoke-WatariOperation') { continue }
        if (-not [object]::ReferenceEquals($script:Invocation, $frames[$i].InvocationInfo)) {
            $script:Invocation = $frames[$i].InvocationInfo
            $script:InvocationNumber++
        }
        return @($name, "$PID/$script:InvocationNumber")
    }
    @($null, $null)
}

$script:Common = @(
    'ErrorAction', 'WarningAction', 'InformationAction', 'ProgressAction', 'Verbose', 'Debug', 'WhatIf', 'Confirm',
    'ErrorVariable', 'WarningVariable', 'InformationVariable', 'OutVariable', 'OutBuffer', 'PipelineVariable')

function Invoke-LabCmdlet {
    [Diagnostics.CodeAnalysis.SuppressMessageAttribute('PSAvoidUsingWriteHost', '', Justification = 'A cmdlet that writes to the host is one of the faults.')]
    [Diagnostics.CodeAnalysis.SuppressMessageAttribute('PSShouldProcess', '', Justification = 'The stand-in that calls has the attribute.')]
    param($Cmdlet, $Bound)
    $name = $Cmdlet.MyInvocation.MyCommand.Name
    if ($Bound['WhatIf'] -and -not $Cmdlet.ShouldProcess($env:LAB_NODE, $name)) { return }
    $sent = @{}
    foreach ($key in $Bound.Keys) {
        if ($script:Common -notcontains $key) { $sent[$key] = ConvertTo-LabValue $Bound[$key] }
    }
    $caller = @(Get-LabCaller)
    $answer = Send-Lab @{
        node = $env:LAB_NODE
        within = $caller[0]
        invocation = $caller[1]
        cmdlet = $name
        parameterSet = $Cmdlet.ParameterSetName
        bound = $sent
    }
    foreach ($line in @($answer.warnings)) { if ($null -ne $line) { $Cmdlet.WriteWarning($line) } }
    foreach ($line in @($answer.verbose)) { if ($null -ne $line) { $Cmdlet.WriteVerbose($line) } }
    foreach ($line in @($answer.host)) { if ($null -ne $line) { Write-Host $line } }
    foreach ($line in @($answer.console)) { if ($null -ne $line) { [Console]::Out.WriteLine($line) } }
    if ($answer.progress) { Write-Progress -Activity $answer.progress -PercentComplete 50 }
    if ($null -ne $answer.exit) { [Environment]::Exit([int]$answer.exit) }
    foreach ($item in @($answer.out)) { if ($null -ne $item) { ConvertFrom-LabValue $item } }
    foreach ($failure in @($answer.errors)) {
        if ($null -eq $failure) { continue }
        $record = New-LabError $failure
        if ($failure.terminating) { $Cmdlet.ThrowTerminatingError($record) } else { $Cmdlet.WriteError($record) }
    }
}

Export-ModuleMember -Function Invoke-LabCmdlet
