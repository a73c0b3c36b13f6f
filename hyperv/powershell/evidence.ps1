# The record of the cmdlets that ran, as lines that a person can paste. Dot-sourced by Watari.HyperV.psm1.
#
# Every cmdlet that reads or changes Windows is written as a script block: Invoke-Recorded { Hyper-V\Get-VMHost }. The
# block is run as it is; the line is made from its own text with the values of its variables put in, so a call and its
# record cannot differ.

# $null: nobody asked for a record. Otherwise an ordered dictionary: place in the source -> line and count.
$script:Recorded = $null

# $null, but while Test-WatariContact (contact.ps1) notes what the cmdlets give.
$script:Contact = $null

function Invoke-Recorded {
    param([Parameter(Mandatory = $true)][scriptblock]$RecordedBlock)
    if ($null -ne $script:Recorded) { Add-Record $RecordedBlock }
    if ($null -ne $script:Contact) { Invoke-Noted $RecordedBlock }
    else { & $RecordedBlock }
}

# Several calls from one place (a loop over roles) are one line that says how many more there were.
function Add-Record {
    param([scriptblock]$RecordedBlock)
    $recordExtent = $RecordedBlock.Ast.Extent
    $recordPlace = '{0}:{1}' -f $recordExtent.File, $recordExtent.StartOffset
    if ($script:Recorded.Contains($recordPlace)) {
        $script:Recorded[$recordPlace].More++
        return
    }
    $recordLine = Format-Record $RecordedBlock $recordPlace
    $script:Recorded[$recordPlace] = @{ Line = $recordLine; More = 0; Acts = $script:RecordShapes[$recordPlace].Acts }
}

# What changed something first, then what was read for it: a short report shows the first few.
function Get-RecordedLine {
    $records = @($script:Recorded.Values)
    foreach ($record in @($records | Where-Object { $_.Acts }) + @($records | Where-Object { -not $_.Acts })) {
        if ($record.More -eq 0) { $record.Line }
        else { '{0}  # and {1} more like this' -f $record.Line, $record.More }
    }
}

# Where in the text of a block values belong, last place first. Read once: a block of the source never changes.
$script:RecordShapes = @{}

function Get-RecordShape {
    param([scriptblock]$RecordedBlock)
    $body = $RecordedBlock.Ast.EndBlock
    $start = $body.Extent.StartOffset
    $acts = $body.Statements[0] -is [System.Management.Automation.Language.AssignmentStatementAst]
    $holes = foreach ($node in $body.FindAll({
                param($node)
                $node -is [System.Management.Automation.Language.VariableExpressionAst] -or
                $node -is [System.Management.Automation.Language.CommandAst]
            }, $true)) {
        if ($node -is [System.Management.Automation.Language.CommandAst]) {
            # The name of the module in front of the cmdlet's is for us, not for a person.
            $name = $node.CommandElements[0].Extent
            $qualifier = $name.Text.LastIndexOf('\') + 1
            if ($qualifier -gt 0) { @{ At = $name.StartOffset - $start; Length = $qualifier; Variable = $null; Splatted = $false } }
            # These methods of WMI ask: the registry, and whose a process is.
            $reads = $name.Text.Substring($qualifier) -match '\A(Get|Test|Read)-' -or
            $node.Extent.Text -match '-MethodName (Get|Enum|Check)'
            if (-not $reads) { $acts = $true }
        }
        elseif ('true', 'false', 'null' -notcontains $node.VariablePath.UserPath) {
            @{
                At       = $node.Extent.StartOffset - $start
                Length   = $node.Extent.Text.Length
                Variable = $node.VariablePath.UserPath
                Splatted = $node.Splatted
            }
        }
    }
    @{
        Text  = $body.Extent.Text
        Acts  = $acts
        Holes = @($holes | Sort-Object -Property { $_.At } -Descending)
    }
}

# Variables of the caller are found because PowerShell looks them up through the callers; hence the odd names here.
function Format-Record {
    param([scriptblock]$RecordedBlock, [string]$RecordPlace)
    $recordShape = $script:RecordShapes[$RecordPlace]
    if ($null -eq $recordShape) {
        $recordShape = Get-RecordShape $RecordedBlock
        $script:RecordShapes[$RecordPlace] = $recordShape
    }
    $recordText = $recordShape.Text
    foreach ($recordHole in $recordShape.Holes) {
        $recordNew = ''
        if ($null -ne $recordHole.Variable) {
            $recordValue = $ExecutionContext.SessionState.PSVariable.GetValue($recordHole.Variable)
            if ($recordHole.Splatted) { $recordNew = Format-Splat $recordValue }
            else { $recordNew = Format-Literal $recordValue }
        }
        $recordText = $recordText.Remove($recordHole.At, $recordHole.Length).Insert($recordHole.At, $recordNew)
    }
    $recordText.Trim()
}

function Format-Splat {
    param([System.Collections.IDictionary]$Given)
    @(foreach ($name in ($Given.Keys | Sort-Object)) {
            $value = $Given[$name]
            if ($value -is [bool]) { '-{0}:{1}' -f $name, (Format-Literal $value) }
            else { '-{0} {1}' -f $name, (Format-Literal $value) }
        }) -join ' '
}

# PowerShell takes typographic quotes for quotes too.
function Format-Text {
    param([string]$Text)
    "'" + [regex]::Replace($Text, "['\u2018\u2019\u201a\u201b]", '$0$0') + "'"
}

function Format-Literal {
    param($Value)
    if ($null -eq $Value) { return '$null' }
    if ($Value -is [string]) { return Format-Text $Value }
    if ($Value -is [bool] -or $Value -is [switch]) { if ($Value) { return '$true' } else { return '$false' } }
    if ($Value -is [securestring] -or $Value -is [pscredential]) { return '(Get-Credential)' }
    if ($Value -is [datetime]) { return "[datetime]'" + (ConvertTo-IsoTime $Value) + "'" }
    if ($Value -is [enum]) { return $Value.ToString() }
    if ($Value -is [guid] -or $Value -is [version]) { return Format-Text ([string]$Value) }
    if ($Value -is [ValueType]) { return [System.Convert]::ToString($Value, $script:Invariant) }
    if ($Value -is [System.Collections.IDictionary]) {
        $pairs = foreach ($key in ($Value.Keys | Sort-Object)) { '{0} = {1}' -f $key, (Format-Literal $Value[$key]) }
        return '@{ ' + ($pairs -join '; ') + ' }'
    }
    if ($Value -is [array]) {
        if ($Value.Count -gt 1 -and (Format-Object $Value[0]) -like '(Get-VM *') { return '(Get-VM)' }
        if ($Value.Count -eq 0) { return '@()' }
        return (@($Value | ForEach-Object { Format-Literal $_ }) -join ', ')
    }
    Format-Object $Value
}

# An object of Windows as the cmdlet that finds it.
function Format-Object {
    param($Value)
    $type = ([string]$Value.PSObject.TypeNames[0]).Split('.')[-1]
    if ($type -eq 'VirtualMachine') { return '(Get-VM -Id {0})' -f (Format-Text ([string]$Value.Id)) }
    if ($type -like 'Cluster*') { return '(Get-{0} -Name {1})' -f $type, (Format-Text (Get-NameOf $Value)) }
    if ($type -like '*Win32_OperatingSystem') { return '(Get-CimInstance -ClassName Win32_OperatingSystem)' }
    Format-Text ([string]$Value)
}
