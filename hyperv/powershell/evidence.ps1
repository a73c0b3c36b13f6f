# The record of the cmdlets that ran, as lines that a person can paste. Dot-sourced by Watari.HyperV.psm1.
#
# Every cmdlet that reads or changes Windows is written as a script block: Invoke-Recorded { Hyper-V\Get-VMHost }. The
# block is run as it is; the line is made from its own text with the values of its variables put in, so a call and its
# record cannot differ.

# $null: nobody asked for a record. Otherwise an ordered dictionary: place in the source -> line and count.
$script:Recorded = $null

function Invoke-Recorded {
    param([Parameter(Mandatory = $true)][scriptblock]$RecordedBlock)
    if ($null -ne $script:Recorded) { Add-Record $RecordedBlock }
    & $RecordedBlock
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
    $script:Recorded[$recordPlace] = @{ Line = (Format-Record $RecordedBlock); More = 0 }
}

function Get-RecordedLine {
    foreach ($record in $script:Recorded.Values) {
        if ($record.More -eq 0) { $record.Line }
        else { '{0}  # and {1} more like this' -f $record.Line, $record.More }
    }
}

# Variables of the caller are found because PowerShell looks them up through the callers; hence the odd names here.
function Format-Record {
    param([scriptblock]$RecordedBlock)
    $recordBody = $RecordedBlock.Ast.EndBlock
    $recordStart = $recordBody.Extent.StartOffset
    $recordText = $recordBody.Extent.Text
    $recordParts = @($recordBody.FindAll({
                param($recordNode)
                $recordNode -is [System.Management.Automation.Language.VariableExpressionAst] -or
                $recordNode -is [System.Management.Automation.Language.CommandAst]
            }, $true) | Sort-Object -Property { $_.Extent.StartOffset } -Descending)
    foreach ($recordPart in $recordParts) {
        if ($recordPart -is [System.Management.Automation.Language.CommandAst]) {
            $recordFrom = $recordPart.CommandElements[0].Extent
            $recordNew = $recordFrom.Text.Substring($recordFrom.Text.LastIndexOf('\') + 1)
        }
        else {
            $recordFrom = $recordPart.Extent
            $recordName = $recordPart.VariablePath.UserPath
            if ('true', 'false', 'null' -contains $recordName) { continue }
            $recordValue = $ExecutionContext.SessionState.PSVariable.GetValue($recordName)
            if ($recordPart.Splatted) { $recordNew = Format-Splat $recordValue }
            else { $recordNew = Format-Literal $recordValue }
        }
        $recordAt = $recordFrom.StartOffset - $recordStart
        $recordText = $recordText.Remove($recordAt, $recordFrom.Text.Length).Insert($recordAt, $recordNew)
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
    if ($Value -is [bool] -or $Value -is [switch]) { if ($Value) { return '$true' } else { return '$false' } }
    if ($Value -is [securestring] -or $Value -is [pscredential]) { return '(Get-Credential)' }
    if ($Value -is [datetime]) { return "[datetime]'" + (ConvertTo-IsoTime $Value) + "'" }
    if ($Value -is [enum]) { return $Value.ToString() }
    if ($Value -is [string] -or $Value -is [guid] -or $Value -is [version]) { return Format-Text ([string]$Value) }
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
