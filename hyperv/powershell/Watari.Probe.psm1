# Watari.Probe: what no cmdlet of Windows offers, and is made of .NET, COM and programs instead: which ports of other
# machines answer, what the security policy says, a restart where WMI may not, the Windows Update Agent, and the note
# and the task of its jobs. Watari.HyperV calls it. A module of its own, so that the lab can put another in its place,
# as it does with the modules of Windows. ASCII only, for 5.1.

$script:PSDefaultParameterValues = @{ '*:ErrorAction' = 'Stop' }
$ErrorActionPreference = 'Stop'

# The share of the time that names may take; the rest is for connections.
$script:LookupShare = 0.6

# A name may stand for many addresses (one for each network of the machine); more are not looked at.
$script:AddressesMax = 8

# They take a second. One that hangs must not hold up the caller.
$script:ProgramMs = 15000

# DISM with a cumulative update on a slow disk; a little less than the caller waits.
$script:DismMs = 5100000

# Where notes are kept that outlive processes and restarts. Only administrators may write there.
$script:NoteKey = 'HKEY_LOCAL_MACHINE\SOFTWARE\watari'

# Not in the folder of the workers' tasks, which is listed as theirs.
$script:UpdateTaskPath = '\watari-updates\'
$script:UpdateTaskName = 'updates'

# Waits for all of them, or as long as it may. One that fails is done too.
function Wait-Every {
    param([System.Threading.Tasks.Task[]]$Task, [int]$Milliseconds)
    if ($Task.Count -eq 0) { return }
    try { [void][System.Threading.Tasks.Task]::WaitAll($Task, [Math]::Max(1, $Milliseconds)) }
    catch [System.AggregateException] { return }
}

# The .NET Framework looks names up in threads that block, and adds a thread or two per second: a few names that nobody
# knows would keep the others waiting.
function Add-Thread {
    param([int]$More)
    $workers = 0
    $ports = 0
    [System.Threading.ThreadPool]::GetMinThreads([ref]$workers, [ref]$ports)
    if ($workers -lt $More + 8) { [void][System.Threading.ThreadPool]::SetMinThreads($More + 8, $ports) }
}

function Test-Reach {
    <#
    .SYNOPSIS
    Tells what names resolve to and which TCP ports of those machines accept a connection. All at once.
    .DESCRIPTION
    Answers within the given time, however many names there are and whoever stays silent. (Test-NetConnection takes 21
    seconds for one port behind a firewall.)
    .PARAMETER Name
    Names or addresses.
    .PARAMETER Port
    TCP ports to try on each of them.
    .PARAMETER TimeoutMs
    Milliseconds for everything.
    .EXAMPLE
    Test-Reach -Name HV2, HV3 -Port 5985, 6600 -TimeoutMs 2500
    #>
    [CmdletBinding(PositionalBinding = $false)]
    param(
        [Parameter(Mandatory = $true)][string[]]$Name,
        [Parameter(Mandatory = $true)][int[]]$Port,
        [Parameter(Mandatory = $true)][int]$TimeoutMs
    )
    $watch = [System.Diagnostics.Stopwatch]::StartNew()
    Add-Thread $Name.Count
    $lookups = @{}
    foreach ($one in $Name) {
        # Fails at once for a text that cannot be a name.
        try { $lookups[$one] = [System.Net.Dns]::GetHostAddressesAsync($one) }
        catch { $lookups.Remove($one) }
    }
    Wait-Every @($lookups.Values) ([int]($TimeoutMs * $script:LookupShare))
    $addresses = @{}
    $attempts = [System.Collections.ArrayList]::new()
    foreach ($one in $Name) {
        $addresses[$one] = @()
        $lookup = $lookups[$one]
        if ($null -eq $lookup -or [string]$lookup.Status -ne 'RanToCompletion') { continue }
        $addresses[$one] = @($lookup.Result | Select-Object -First $script:AddressesMax)
        foreach ($address in $addresses[$one]) {
            foreach ($number in $Port) {
                # Without the family it would be for IPv4 alone in the .NET Framework.
                $client = [System.Net.Sockets.TcpClient]::new($address.AddressFamily)
                [void]$attempts.Add(@{ Name = $one; Port = $number; Client = $client; Task = $client.ConnectAsync($address, $number) })
            }
        }
    }
    Wait-Every @($attempts | ForEach-Object { $_.Task }) ($TimeoutMs - [int]$watch.ElapsedMilliseconds)
    $open = @{}
    foreach ($attempt in $attempts) {
        if ([string]$attempt.Task.Status -eq 'RanToCompletion') { $open["$($attempt.Name):$($attempt.Port)"] = $true }
        $attempt.Client.Close()
    }
    foreach ($one in $Name) {
        [pscustomobject][ordered]@{
            Name      = $one
            Addresses = @($addresses[$one] | ForEach-Object { [string]$_ })
            Ports     = @(foreach ($number in $Port) {
                    [pscustomobject][ordered]@{ Port = $number; Open = $open.ContainsKey("${one}:$number") }
                })
        }
    }
}

function Read-SecurityPolicy {
    <#
    .SYNOPSIS
    Tells what the security policy of this machine says: who holds user rights, when accounts are locked. Needs an
    administrator.
    .DESCRIPTION
    Windows has no cmdlet and no class for it, and net.exe answers in its own language: secedit.exe exports it to a file in
    the temporary folder, which is read and removed. A right is a list of SIDs, or of names where Windows writes those.
    .PARAMETER Name
    Rights and settings by their constants, for example SeServiceLogonRight and LockoutBadCount.
    .EXAMPLE
    Read-SecurityPolicy -Name SeServiceLogonRight, LockoutBadCount
    #>
    [CmdletBinding(PositionalBinding = $false)]
    param([Parameter(Mandatory = $true)][string[]]$Name)
    $file = Join-Path -Path ([System.IO.Path]::GetTempPath()) -ChildPath "watari-$([guid]::NewGuid()).inf"
    try {
        Export-SecurityPolicy $file
        # UTF-16 with a mark at its start, which this goes by.
        $text = [System.IO.File]::ReadAllText($file)
    }
    finally { [System.IO.File]::Delete($file) }
    foreach ($one in $Name) {
        $values = @()
        if ($text -match ('(?m)^[ \t]*{0}[ \t]*=(.*)$' -f [regex]::Escape($one))) {
            $values = @($Matches[1].Split(',') | ForEach-Object { $_.Trim().TrimStart('*') } | Where-Object { $_ })
        }
        [pscustomobject][ordered]@{ Name = $one; Values = $values }
    }
}

function Export-SecurityPolicy {
    param([string]$File)
    $code = Invoke-Program -Name 'secedit.exe' -Arguments ('/export /areas SECURITYPOLICY USER_RIGHTS /quiet /cfg "{0}"' -f $File)
    if ($code -ne 0) { throw "secedit.exe failed with code $code." }
}

# A program of Windows; its exit code.
function Invoke-Program {
    param([string]$Name, [string]$Arguments, [int]$Milliseconds = $script:ProgramMs)
    $start = [System.Diagnostics.ProcessStartInfo]::new()
    $start.FileName = Join-Path -Path $env:SystemRoot -ChildPath "System32\$Name"
    $start.Arguments = $Arguments
    $start.UseShellExecute = $false
    $start.CreateNoWindow = $true
    # The requests and answers of this shell are on its own input and output.
    $start.RedirectStandardInput = $true
    $start.RedirectStandardOutput = $true
    $process = [System.Diagnostics.Process]::Start($start)
    try {
        if (-not $process.WaitForExit($Milliseconds)) {
            $process.Kill()
            throw "$Name did not end within $($Milliseconds / 1000) seconds."
        }
        $process.ExitCode
    }
    finally { $process.Dispose() }
}

function Restart-Machine {
    <#
    .SYNOPSIS
    Asks Windows by shutdown.exe to restart this machine in five seconds, and tells its exit code.
    .DESCRIPTION
    It turns the privilege on that it needs, which a call of WMI on this machine does not.
    .PARAMETER Reason
    Text for the System log.
    .EXAMPLE
    Restart-Machine -Reason 'Updates'
    #>
    [CmdletBinding(PositionalBinding = $false)]
    param([Parameter(Mandatory = $true)][AllowEmptyString()][string]$Reason)
    # Planned, maintenance of an application. It takes 512 characters, and a quote would end the argument.
    $comment = $Reason.Replace('"', "'")
    if ($comment.Length -gt 500) { $comment = $comment.Substring(0, 500) }
    $code = Invoke-Program -Name 'shutdown.exe' -Arguments ('/r /f /t 5 /d p:4:1 /c "{0}"' -f $comment)
    [pscustomobject][ordered]@{ ExitCode = $code }
}

function Get-UpdateAgent {
    <#
    .SYNOPSIS
    Makes a COM object of the Windows Update Agent.
    .PARAMETER ProgId
    Microsoft.Update.Session or Microsoft.Update.SystemInfo.
    .EXAMPLE
    (Get-UpdateAgent -ProgId 'Microsoft.Update.SystemInfo').RebootRequired
    #>
    [CmdletBinding(PositionalBinding = $false)]
    param([Parameter(Mandatory = $true)][ValidateSet('Microsoft.Update.Session', 'Microsoft.Update.SystemInfo')][string]$ProgId)
    Microsoft.PowerShell.Utility\New-Object -ComObject $ProgId
}

function New-UpdateList {
    <#
    .SYNOPSIS
    Makes an empty list of updates, which download and installation take. It is the property List.
    .EXAMPLE
    (New-UpdateList).List.Count
    #>
    [CmdletBinding(PositionalBinding = $false)]
    param()
    [pscustomobject]@{ List = (Microsoft.PowerShell.Utility\New-Object -ComObject 'Microsoft.Update.UpdateColl') }
}

function Read-Note {
    <#
    .SYNOPSIS
    Reads what Write-Note wrote; an empty text where there is none.
    .PARAMETER Name
    Name of the note.
    .EXAMPLE
    (Read-Note -Name UpdateJob).Text
    #>
    [CmdletBinding(PositionalBinding = $false)]
    param([Parameter(Mandatory = $true)][string]$Name)
    [pscustomobject]@{ Text = [string][Microsoft.Win32.Registry]::GetValue($script:NoteKey, $Name, '') }
}

function Write-Note {
    <#
    .SYNOPSIS
    Keeps a text on this machine, where only administrators may write.
    .PARAMETER Name
    Name of the note.
    .PARAMETER Text
    The text.
    .EXAMPLE
    Write-Note -Name UpdateJob -Text '{}'
    #>
    [CmdletBinding(PositionalBinding = $false)]
    param([Parameter(Mandatory = $true)][string]$Name, [Parameter(Mandatory = $true)][AllowEmptyString()][string]$Text)
    [Microsoft.Win32.Registry]::SetValue($script:NoteKey, $Name, $Text)
}

function Start-UpdateTask {
    <#
    .SYNOPSIS
    Starts update-job.ps1 as a task of Windows, under the system's account: it outlives the worker, and Windows Update
    refuses nothing to it.
    .EXAMPLE
    Start-UpdateTask
    #>
    [CmdletBinding(PositionalBinding = $false)]
    param()
    $file = Join-Path -Path $PSScriptRoot -ChildPath 'update-job.ps1'
    $shell = Join-Path -Path $env:SystemRoot -ChildPath 'System32\WindowsPowerShell\v1.0\powershell.exe'
    $arguments = '-NoLogo -NoProfile -NonInteractive -ExecutionPolicy Bypass -File "{0}"' -f $file
    $action = ScheduledTasks\New-ScheduledTaskAction -Execute $shell -Argument $arguments
    $system = ScheduledTasks\New-ScheduledTaskPrincipal -UserId 'S-1-5-18' -LogonType ServiceAccount -RunLevel Highest
    # As the workers' tasks: no limit, and not the priority of background work, at which servicing takes hours.
    $settings = ScheduledTasks\New-ScheduledTaskSettingsSet -MultipleInstances IgnoreNew -ExecutionTimeLimit ([timespan]::Zero) `
        -AllowStartIfOnBatteries -DontStopIfGoingOnBatteries -DontStopOnIdleEnd -Priority 4
    $null = ScheduledTasks\Register-ScheduledTask -TaskName $script:UpdateTaskName -TaskPath $script:UpdateTaskPath -Action $action -Principal $system -Settings $settings -Force
    $null = ScheduledTasks\Start-ScheduledTask -TaskName $script:UpdateTaskName -TaskPath $script:UpdateTaskPath
}

function Test-UpdateTask {
    <#
    .SYNOPSIS
    Tells whether the task of Start-UpdateTask runs, or is about to.
    .EXAMPLE
    (Test-UpdateTask).Running
    #>
    [CmdletBinding(PositionalBinding = $false)]
    param()
    # Listed and compared: one that is not there would be an error.
    $tasks = @(ScheduledTasks\Get-ScheduledTask | Where-Object { $_.TaskPath -eq $script:UpdateTaskPath })
    [pscustomobject]@{ Running = @($tasks | Where-Object { 'Running', 'Queued' -contains [string]$_.State }).Count -gt 0 }
}

function Install-UpdatePackage {
    <#
    .SYNOPSIS
    Installs the packages of a folder by DISM and tells its exit code. Never restarts.
    .PARAMETER Folder
    A folder of this machine with .msu or .cab files.
    .EXAMPLE
    Install-UpdatePackage -Folder 'C:\Updates\2026-11'
    #>
    [CmdletBinding(PositionalBinding = $false)]
    param([Parameter(Mandatory = $true)][string]$Folder)
    $arguments = '/Online /Add-Package /PackagePath:"{0}" /Quiet /NoRestart' -f $Folder.TrimEnd('\')
    $code = Invoke-Program -Name 'dism.exe' -Arguments $arguments -Milliseconds $script:DismMs
    [pscustomobject][ordered]@{ ExitCode = $code }
}

Export-ModuleMember -Function Test-Reach, Read-SecurityPolicy, Restart-Machine, Get-UpdateAgent, New-UpdateList, Read-Note, Write-Note, Start-UpdateTask, Test-UpdateTask, Install-UpdatePackage
